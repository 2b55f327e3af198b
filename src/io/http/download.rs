//! One attempt at a document.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use reqwest::{Client, Response, StatusCode, header};

use super::answer::{accepted, served_by};
use super::{Fetched, HttpError, Validators};
use crate::io::patience::Pace;
use crate::io::{files, temporary};
use crate::model::excused::Excused as _;
use crate::model::logins::redact;

/// Reads a body of at most `limit` bytes.
pub(super) async fn body(url: &str, mut response: Response, limit: u64) -> Result<Vec<u8>, HttpError> {
    let mut bytes = Vec::new();
    let pace = Pace::start();
    while let Some(chunk) = response.chunk().await.map_err(|source| HttpError::unreachable(url, source))? {
        if let Some(reason) = pace.too_slow(bytes.len() as u64) {
            return Err(HttpError::slow(url, reason));
        }
        if (bytes.len() + chunk.len()) as u64 > limit {
            return Err(too_large(url, limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Asks for the document, or for the rest of it where a part is there already.
pub(super) async fn attempt(
    client: &Client,
    url: &str,
    known: &Validators,
    to: &Path,
    limit: u64,
    watch: &(dyn Fn(u64, Option<u64>) + Send + Sync),
) -> Result<Fetched, HttpError> {
    let mut part = Part::open(to).map_err(|source| write_error(to, source))?;
    let mut request = client.get(url);
    request = match part.resumable() {
        Some((length, validator)) => request
            .header(header::RANGE, format!("bytes={length}-"))
            .header(header::IF_RANGE, validator),
        None => known.condition(request),
    };
    let response = request.send().await;
    // The part is whole already, or longer than the document is now.
    if matches!(&response, Ok(r) if r.status() == StatusCode::RANGE_NOT_SATISFIABLE) {
        part.restart(&Validators::default()).map_err(|source| write_error(to, source))?;
        let response = accepted(url, known.condition(client.get(url)).send().await)?;
        return receive(url, response, part, to, limit, watch).await;
    }
    receive(url, accepted(url, response)?, part, to, limit, watch).await
}

async fn receive(
    url: &str,
    mut response: Response,
    mut part: Part,
    to: &Path,
    limit: u64,
    watch: &(dyn Fn(u64, Option<u64>) + Send + Sync),
) -> Result<Fetched, HttpError> {
    let failed = |source| write_error(to, source);
    if response.status() == StatusCode::NOT_MODIFIED {
        part.discard();
        return Ok(Fetched::NotModified);
    }
    let validators = Validators::of(&response);
    let served_by = served_by(url, &response);
    let resumes = response.status() == StatusCode::PARTIAL_CONTENT && starts_at(&response) == Some(part.length);
    if !resumes {
        if response.status() == StatusCode::PARTIAL_CONTENT {
            part.discard();
            return Err(HttpError::broken_off(url, 0, 0));
        }
        part.restart(&validators).map_err(failed)?;
    }
    let total = response.content_length().map(|rest| rest + part.length);
    if total.is_some_and(|total| total > limit) {
        part.discard();
        return Err(too_large(url, limit));
    }
    let (pace, before) = (Pace::start(), part.length);
    while let Some(chunk) = response.chunk().await.map_err(|source| HttpError::unreachable(url, source))? {
        part.append(&chunk).map_err(failed)?;
        if let Some(reason) = pace.too_slow(part.length - before) {
            return Err(HttpError::slow(url, reason));
        }
        if part.length > limit {
            part.discard();
            return Err(too_large(url, limit));
        }
        watch(part.length, total);
    }
    if let Some(total) = total.filter(|total| *total != part.length) {
        return Err(HttpError::broken_off(url, part.length, total));
    }
    let validators = if resumes && validators.is_empty() {
        part.validators.clone()
    } else {
        validators
    };
    let length = part.length;
    part.finish(to).map_err(failed)?;
    Ok(Fetched::New {
        validators,
        length,
        served_by,
    })
}

/// Where a partial answer begins.
fn starts_at(response: &Response) -> Option<u64> {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)?
        .to_str()
        .or_none("without a range it begins at the start")?;
    range
        .strip_prefix("bytes ")?
        .split('-')
        .next()?
        .parse()
        .or_none("without a range it begins at the start")
}

fn too_large(url: &str, limit: u64) -> HttpError {
    HttpError::TooLarge { url: redact(url), limit }
}

fn write_error(path: &Path, source: io::Error) -> HttpError {
    HttpError::Write {
        path: path.to_owned(),
        source,
    }
}

/// A document under way: `NAME.part`, and `NAME.part.json` with what the server said of it. Locked, so that two runs never write into one; the
/// second takes a private file and cannot resume.
struct Part {
    file: File,
    path: PathBuf,
    shared: bool,
    length: u64,
    validators: Validators,
}

impl Part {
    fn open(to: &Path) -> io::Result<Self> {
        let folder = to.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        temporary::sweep(folder);
        let path = with_suffix(to, ".part");
        let file = File::options().create(true).truncate(false).read(true).write(true).open(&path)?;
        if file.try_lock().is_err() {
            let (file, path) = temporary::file_in(folder)?.keep().map_err(|e| e.error)?;
            return Ok(Self {
                file,
                path,
                shared: false,
                length: 0,
                validators: Validators::default(),
            });
        }
        let validators = files::read(&with_suffix(&path, ".json"), 4096)
            .or_none("without validators all of it is fetched")
            .and_then(|bytes| serde_json::from_slice(&bytes).or_none("without validators all of it is fetched"))
            .unwrap_or_default();
        let length = file.metadata()?.len();
        Ok(Self {
            file,
            path,
            shared: true,
            length,
            validators,
        })
    }

    /// What is there, and the strong validator that the rest must match.
    fn resumable(&self) -> Option<(u64, &str)> {
        let etag = self.validators.etag.as_deref().filter(|etag| !etag.starts_with("W/"));
        let validator = etag.or(self.validators.last_modified.as_deref())?;
        (self.shared && self.length > 0).then_some((self.length, validator))
    }

    fn restart(&mut self, validators: &Validators) -> io::Result<()> {
        self.file.set_len(0)?;
        self.length = 0;
        self.validators = validators.clone();
        if self.shared {
            let text = serde_json::to_vec(validators).map_err(io::Error::other)?;
            fs::write(with_suffix(&self.path, ".json"), text)?;
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn finish(self, to: &Path) -> io::Result<()> {
        self.file.sync_data()?;
        fs::rename(&self.path, to)?;
        if self.shared {
            // Left behind, it describes a part that is not there, and the next download writes it anew.
            fs::remove_file(with_suffix(&self.path, ".json")).dismissed("a note without its file is not believed");
        }
        Ok(())
    }

    /// What cannot be removed is written over by the next download, which goes by the length and the validators that it finds.
    fn discard(self) {
        fs::remove_file(&self.path).dismissed("the next download writes over it");
        if self.shared {
            fs::remove_file(with_suffix(&self.path, ".json")).dismissed("a note without its file is not believed");
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
