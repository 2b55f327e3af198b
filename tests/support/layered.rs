//! Images of several layers, with the history of a Dockerfile, in OCI layouts.

use std::io::Write as _;
use std::path::Path;

use portcullis::io::hash::Hashing;
use portcullis::io::oci_layout::OciLayout;
use portcullis::model::digest::Digest;
use portcullis::model::image::{Compression, media_type};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A layer's tar and the step that made it.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) created_by: String,
    pub(crate) tar: Vec<u8>,
}

impl Step {
    /// A layer of files, each with its mode; `.wh.` names delete.
    pub(crate) fn new(created_by: &str, files: &[(&str, u32, &[u8])]) -> Self {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, mode, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            header.set_mtime(0);
            builder.append_data(&mut header, path, *content).unwrap();
        }
        Self {
            created_by: created_by.to_owned(),
            tar: builder.into_inner().unwrap(),
        }
    }

    pub(crate) fn diff_id(&self) -> Digest {
        Digest::from_bytes(Sha256::digest(&self.tar).into())
    }

    pub(crate) fn packed(&self, compression: Compression) -> (&'static str, Vec<u8>) {
        match compression {
            Compression::None => (media_type::OCI_LAYER, self.tar.clone()),
            Compression::Gzip => (media_type::OCI_LAYER_GZIP, gzip(&self.tar)),
            Compression::Zstd => (media_type::OCI_LAYER_ZSTD, zstd::encode_all(&self.tar[..], 1).unwrap()),
        }
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn config(architecture: &str, steps: &[Step]) -> Value {
    let history: Vec<Value> = steps.iter().map(|step| json!({"created_by": step.created_by})).collect();
    let diff_ids: Vec<Digest> = steps.iter().map(Step::diff_id).collect();
    json!({
        "architecture": architecture, "os": "linux", "config": {"User": "65532"},
        "history": history, "rootfs": {"type": "layers", "diff_ids": diff_ids},
    })
}

fn descriptor(layout: &OciLayout, media: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media, "digest": layout.write_blob(bytes).unwrap(), "size": bytes.len()})
}

fn manifest(layout: &OciLayout, config: &Value, steps: &[Step], compression: Compression, annotations: &Value) -> Value {
    let layers: Vec<Value> = steps
        .iter()
        .map(|step| {
            let (media, bytes) = step.packed(compression);
            descriptor(layout, media, &bytes)
        })
        .collect();
    let config = descriptor(layout, media_type::OCI_CONFIG, config.to_string().as_bytes());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST, "config": config, "layers": layers, "annotations": annotations,
    });
    descriptor(layout, media_type::OCI_MANIFEST, manifest.to_string().as_bytes())
}

/// Writes an image of one platform into a new layout and gives its digest.
pub(crate) fn image(folder: &Path, steps: &[Step], compression: Compression, annotations: &Value) -> Digest {
    let layout = OciLayout::create(folder).unwrap();
    put(&layout, manifest(&layout, &config("amd64", steps), steps, compression, annotations))
}

/// Writes an image of plain layers that is to run as `settings` say: the `config` object of its configuration.
pub(crate) fn configured(folder: &Path, steps: &[Step], settings: &Value) -> Digest {
    let layout = OciLayout::create(folder).unwrap();
    let mut config = config("amd64", steps);
    config["config"] = settings.clone();
    put(&layout, manifest(&layout, &config, steps, Compression::None, &json!({})))
}

/// Writes an index of several platforms into a new layout and gives its digest.
pub(crate) fn index(folder: &Path, platforms: &[(&str, Vec<Step>)]) -> Digest {
    let layout = OciLayout::create(folder).unwrap();
    let manifests: Vec<Value> = platforms
        .iter()
        .map(|(architecture, steps)| {
            let mut descriptor = manifest(&layout, &config(architecture, steps), steps, Compression::Gzip, &json!({}));
            descriptor["platform"] = json!({"architecture": architecture, "os": "linux"});
            descriptor
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX, "manifests": manifests});
    put(&layout, descriptor(&layout, media_type::OCI_INDEX, index.to_string().as_bytes()))
}

fn put(layout: &OciLayout, root: Value) -> Digest {
    let root = serde_json::from_value(root).unwrap();
    layout.put(&root, None).unwrap();
    root.digest
}

/// Packs a folder with everything in it into an image of one layer, in the form of `docker save`.
pub(crate) fn archive_of_folder(folder: &Path, file: &Path) {
    let layer = file.with_extension("layer.tar");
    let mut tar = std::process::Command::new("tar");
    tar.args(["--numeric-owner", "--one-file-system", "-C"])
        .arg(folder)
        .arg("-cf")
        .arg(&layer)
        .arg(".");
    super::engines::output(&mut tar);
    let mut content = Hashing::new(std::fs::File::open(&layer).unwrap());
    std::io::copy(&mut content, &mut std::io::sink()).unwrap();
    let diff_id = content.finish().1;
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {}, "history": [{"created_by": "ADD folder /"}],
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    })
    .to_string();
    let config_name = format!("{}.json", hex::encode(Sha256::digest(&config)));
    let layer_name = format!("{}/layer.tar", diff_id.hex());
    let manifest = json!([{"Config": config_name, "RepoTags": ["folder:1"], "Layers": [layer_name]}]).to_string();
    let mut builder = tar::Builder::new(std::fs::File::create(file).unwrap());
    for (name, content) in [(config_name.as_str(), &config), ("manifest.json", &manifest)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    builder.append_path_with_name(&layer, &layer_name).unwrap();
    builder.finish().unwrap();
    std::fs::remove_file(layer).unwrap();
}
