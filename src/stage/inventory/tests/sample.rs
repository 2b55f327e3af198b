//! An image of some tars, and what its inventory says.

use super::*;

pub(super) const OS: &str = "ID=debian\nVERSION_ID=12\n";

pub(super) fn status(packages: &[&str]) -> String {
    packages
        .iter()
        .map(|name| format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\n"))
        .collect()
}

/// An image of some tars, the lowest first.
pub(super) struct Sample {
    pub(super) dir: tempfile::TempDir,
    pub(super) layers: Vec<Layer>,
}

impl Sample {
    pub(super) fn new(tars: &[Tar]) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        let layout = OciLayout::create(dir.path().join("image")).expect("layout");
        let layers = tars
            .iter()
            .enumerate()
            .map(|(at, tar)| {
                let tar = tar.clone().finish();
                let blob = gzip(&tar);
                Layer {
                    digest: layout.write_blob(&blob).expect("written"),
                    diff_id: sha256(&tar),
                    size: blob.len() as u64,
                    compression: Compression::Gzip,
                    created_by: Some(format!("step {at}")),
                }
            })
            .collect();
        Self { dir, layers }
    }

    pub(super) fn platform(&self, architecture: &str) -> PlatformImage {
        PlatformImage {
            platform: Platform {
                os: "linux".to_owned(),
                architecture: architecture.to_owned(),
                variant: None,
            },
            manifest: Digest::from_bytes([7; 32]),
            config: ImageConfig::default(),
            layers: self.layers.clone(),
        }
    }

    pub(super) fn result(&self, platforms: Vec<PlatformImage>) -> Result<Inventory, InventoryError> {
        let built = BuiltImage {
            digest: Digest::from_bytes([7; 32]),
            media_type: media_type::OCI_MANIFEST.to_owned(),
            size: 1,
            layout: self.dir.path().join("image"),
            platforms,
            commit: None,
            provenance: None,
            linked: None,
        };
        let subject = Subject {
            name: "sample".to_owned(),
            digest: Some(built.digest),
            commit: None,
        };
        image(&built, subject, &effects(self.dir.path())).map(|seen| seen.inventory)
    }

    /// The inventory that bounds of one's own allow.
    pub(super) fn within(&self, limits: &Limits) -> Inventory {
        let layout = OciLayout::open(self.dir.path().join("image")).expect("layout");
        let mut effects = effects(self.dir.path());
        effects.limits = *limits;
        let subject = Subject {
            name: "sample".to_owned(),
            digest: None,
            commit: None,
        };
        engine::inventory(&[self.platform("amd64")], &layout, subject, &effects, engine::LayerCache::None).expect("an inventory")
    }

    pub(super) fn inventory(&self) -> Inventory {
        self.result(vec![self.platform("amd64")]).expect("an inventory")
    }
}

pub(super) fn effects(dir: &Path) -> Effects {
    Effects::plain(dir.join("cache"))
}

pub(super) fn of(tars: &[Tar]) -> Inventory {
    Sample::new(tars).inventory()
}

pub(super) fn names(inventory: &Inventory) -> Vec<&str> {
    inventory.components.iter().map(|c| c.name.as_str()).collect()
}

/// Each component with the build step that brought it.
pub(super) fn brought(inventory: &Inventory) -> Vec<(String, String)> {
    let step = |c: &Component| c.locations[0].created_by.clone().unwrap_or_default();
    inventory.components.iter().map(|c| (c.name.clone(), step(c))).collect()
}

pub(super) fn gaps(inventory: &Inventory) -> Vec<(GapKind, &str)> {
    inventory.gaps.iter().map(|g| (g.kind, g.subject.as_str())).collect()
}

pub(super) fn base() -> Tar {
    Tar::new().file("etc/os-release", OS).file("var/lib/dpkg/status", status(&["base"]))
}

pub(super) fn secret() -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "QUJD".repeat(32))
}
