//! Bounds on foreign bytes, all in one place.

/// How much of anything is read before it is called hostile. Sizes are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One JSON document of an image: index, manifest, configuration.
    pub manifest: u64,
    /// One layer as stored.
    pub layer: u64,
    /// Bytes of one layer's tar.
    pub layer_unpacked: u64,
    /// Unpacked size over stored size of a layer. Real layers reach 5 to 10, hostile gzip 1,000.
    pub expansion: u64,
    /// Layers that unpack to no more than this are exempt from `expansion`.
    pub expansion_free: u64,
    /// Entries in one layer.
    pub entries: u64,
    /// Bytes of one path.
    pub path: usize,
    /// Depth of one path.
    pub depth: usize,
    /// One file that a cataloger reads whole (a package database, a lock file).
    pub wanted_file: u64,
    /// One executable or Java archive that a cataloger reads.
    pub executable: u64,
    /// Of those, the ones that are held in memory; larger ones are put aside on disk.
    pub held: u64,
    /// One PAX or GNU extension header.
    pub tar_extension: u64,
    /// Files of one layer that something is noted of: what they declare, that they are executable, an unusual mode.
    pub noted_files: usize,
    /// Secrets of one file, and things in it that cannot be read, that are listed one by one.
    pub noted_in_file: usize,
    /// Components that one layer may declare.
    pub components: usize,
    /// Paths that the packages of one layer may own.
    pub owned_paths: usize,
    /// Links of one layer that are followed.
    pub links: usize,
    /// Links on the way to one file.
    pub link_depth: usize,
    /// Layers in one image.
    pub layers: usize,
    /// Platforms in one index.
    pub platforms: usize,
    /// Bytes of one advisory record.
    pub advisory: u64,
    /// One feed's archive as downloaded. It is never held in memory.
    pub feed: u64,
    /// One feed's list of its records.
    pub feed_list: u64,
    /// One feed's archive unpacked.
    pub feed_unpacked: u64,
    /// Bytes of one SBOM or stored inventory.
    pub sbom: u64,
    /// One configuration, policy or waiver file.
    pub document: u64,
    /// Nesting of any JSON, TOML or YAML document.
    pub nesting: usize,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;

impl Limits {
    /// What refers to one image in a registry: more is not looked through for its verdict, and the answer is that nobody knows.
    pub const REFERRERS: usize = 1000;
    /// The audit data of one executable, unpacked: 16 MiB hold about 100,000 crates.
    pub const AUDIT_DATA: usize = 16 << 20;
    /// One archive inside of another, unpacked: it is held in memory.
    pub const NESTED_ARCHIVE: u64 = 32 << 20;
    /// What is read of all archives inside of one archive, unpacked.
    pub const NESTED_ARCHIVES: u64 = 512 << 20;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest: 4 * MIB,
            layer: 16 * GIB,
            layer_unpacked: 64 * GIB,
            expansion: 100,
            expansion_free: 256 * MIB,
            entries: 10_000_000,
            path: 4096,
            depth: 256,
            wanted_file: 64 * MIB,
            executable: 512 * MIB,
            held: 16 * MIB,
            tar_extension: MIB,
            noted_files: 200_000,
            noted_in_file: 1_000,
            components: 200_000,
            owned_paths: 4_000_000,
            links: 200_000,
            link_depth: 40,
            layers: 512,
            platforms: 64,
            advisory: 4 * MIB,
            feed: 4 * GIB,
            feed_list: 512 * MIB,
            feed_unpacked: 8 * GIB,
            sbom: 256 * MIB,
            document: 4 * MIB,
            nesting: 64,
        }
    }
}
