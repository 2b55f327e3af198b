//! What `scan` and `sbom` may be pointed at.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cli::args::{Judging, image_ref};
use crate::cli::error::CliError;
use crate::cli::folders;
use crate::cli::session::Session;
use crate::gate::{GateError, Judge};
use crate::io::files;
use crate::model::image_ref::{ImageRef, is_reference};
use crate::model::inventory::Inventory;
use crate::model::logins;
use crate::stage::inventory::InventoryError;
use crate::stage::inventory::{self, sbom};

/// Inventories a folder, a lock file, an image in any form, or an SBOM (`sbom:FILE`).
///
/// # Errors
/// [`CliError::Missing`] when it is none of these; the inventory stage's errors.
pub(super) async fn inventory(text: &str, session: &Session<'_>) -> Result<Inventory, CliError> {
    let effects = &session.effects;
    let base = session.global.directory.as_path();
    if let Some(file) = text.strip_prefix("sbom:") {
        let path = base.join(file);
        return tokio::task::block_in_place(|| sbom::read(&path, effects)).map_err(failed);
    }
    let path = base.join(text);
    if is_path(text, &path) {
        folders::of_the_commit(&path, "-C")?;
        named_by_its_form(text, &path)?;
        let exclude = session.workspace.exclusions_below(&path)?;
        return tokio::task::block_in_place(|| inventory::source(&path, &exclude, effects)).map_err(failed);
    }
    match image_ref(text) {
        Ok(ImageRef::DockerArchive(file) | ImageRef::OciArchive(file)) if is_text(&base.join(&file)) => Err(CliError::Missing {
            problem: format!("{} is a text file, and no archive of an image", file.display()),
            help: "`docker save -o FILE IMAGE` writes docker-archive:FILE; a lock file or a folder is named as it is, an SBOM as sbom:FILE"
                .to_owned(),
        }),
        Ok(reference) => inventory::image_ref(&reference, effects).await.map_err(failed),
        Err(problem) => Err(CliError::Missing {
            problem: format!("there is no file or folder `{}`, and {problem}", logins::of_reference(text)),
            help: "name a folder, a lock file, an image or sbom:FILE".to_owned(),
        }),
    }
}

/// What a target holds, and the judge for it: policy, waivers and feeds as configured.
///
/// # Errors
/// As [`inventory`]; the policy's and the waiver file's, which are read first.
pub(super) async fn opened(text: &str, judging: &Judging, session: &Session<'_>) -> Result<(Judge, Inventory), CliError> {
    session.workspace.feeds_are_there(judging)?;
    let mut plan = session.workspace.judging_plan(judging)?;
    plan.sources = sources(text, session);
    let judge = Judge::load(&plan, &session.effects).await?;
    let mut inventory = inventory(text, session).await?;
    tokio::task::block_in_place(|| judge.add_asked_licenses(&mut inventory, &session.effects));
    Ok((judge, inventory))
}

/// True for an image or an SBOM, which may be of anything; a folder or a lock file is taken for this project's.
pub(super) fn is_elsewhere(text: &str, session: &Session<'_>) -> bool {
    !is_path(text, &session.global.directory.join(text))
}

/// The folder that a target's manifests lie in: the target itself, or the folder of a lock file.
fn sources(text: &str, session: &Session<'_>) -> Option<PathBuf> {
    let path = session.global.directory.join(text);
    if !is_path(text, &path) {
        return None;
    }
    match path.is_file() {
        true => path.parent().map(Path::to_owned),
        false => path.is_dir().then_some(path),
    }
}

/// True for a file or folder that is there, and that the text can mean.
fn is_path(text: &str, path: &Path) -> bool {
    !is_reference(text) && path.exists()
}

/// Refuses what is an image or an SBOM and was named as a file or a folder, with the spelling that it has.
fn named_by_its_form(text: &str, path: &Path) -> Result<(), CliError> {
    const BLOCK: u64 = 4096;
    let (is, forms) = if path.join("oci-layout").is_file() {
        ("an OCI layout", vec!["oci"])
    } else if path.is_file() {
        let mut start = Vec::new();
        let read = files::open(path).and_then(|file| file.take(BLOCK).read_to_end(&mut start));
        let has = |word: &str| start.windows(word.len()).any(|window| window == word.as_bytes());
        let is_tar = start.get(257..262) == Some(b"ustar") || start.starts_with(&[0x1f, 0x8b]);
        match read {
            Ok(_) if is_tar => ("an archive", vec!["docker-archive", "oci-archive"]),
            Ok(_)
                if start.trim_ascii_start().starts_with(b"{") && (has("\"bomFormat\"") || has("\"spdxVersion\"") || has("\"SPDXID\"")) =>
            {
                ("an SBOM", vec!["sbom"])
            }
            _ => return Ok(()),
        }
    } else {
        return Ok(());
    };
    let name = text.trim_start_matches("./");
    let spelt: Vec<String> = forms.iter().map(|form| format!("{form}:{name}")).collect();
    Err(CliError::Missing {
        problem: format!("{text} is {is}, and is named by its form"),
        help: spelt.join(", or "),
    })
}

/// True for a file whose beginning is text: a tar has zero bytes in its first block, and what is compressed is no UTF-8.
fn is_text(file: &Path) -> bool {
    const BLOCK: u64 = 512;
    let mut start = Vec::new();
    let read = files::open(file).and_then(|file| file.take(BLOCK).read_to_end(&mut start));
    let is_read = read.is_ok_and(|bytes| bytes > 0);
    // The last character may be cut off.
    let text = std::str::from_utf8(&start).map_or_else(|error| error.valid_up_to() + 4 > start.len(), |_| true);
    is_read && text && !start.contains(&0)
}

fn failed(error: InventoryError) -> CliError {
    CliError::Gate(GateError::Inventory(error))
}
