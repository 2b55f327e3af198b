//! A feed of the shape that npm's export has today: of three records two are malware, each of a package of its own and of all its versions. The
//! archive is written by all processors: `zip` would hold a description of each entry in memory, and pack with one.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use rayon::prelude::*;

/// Records that are packed at once.
const AT_ONCE: usize = 20_000;

/// The name and the text of a record. `round` tells one content of it from the next.
pub(crate) type Record = (String, String);

/// A malware record as OpenSSF writes them.
pub(crate) fn malware(at: usize, round: usize) -> Record {
    let day = at % 28 + 1;
    // Digests do not get smaller by packing.
    let digest = |salt: usize| {
        let mut state = (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt as u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        format!("{:016x}{:016x}{:016x}{:016x}", next(), next(), next(), next())
    };
    let (id, name, sha) = (format!("MAL-2026-{at}"), format!("package-{at}"), digest(7));
    let text = format!(
        r#"{{"id":"{id}","summary":"Malicious code in {name} (npm)","details":"\n---\n_-= Per source details. Do not edit below this line.=-_\n\n## Source: amazon-inspector ({sha})\nThe package {name} was found to contain malicious code.\n","modified":"2026-02-{day:02}T12:{:02}:00Z","published":"2026-01-{day:02}T00:00:00Z","database_specific":{{"malicious-packages-origins":[{{"import_time":"2026-01-{day:02}T02:11:10.283942Z","modified_time":"2026-01-{day:02}T01:24:22Z","sha256":"{sha}","source":"amazon-inspector","versions":["1.0.{}"]}}]}},"affected":[{{"package":{{"name":"{name}","ecosystem":"npm","purl":"pkg:npm/{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}],"versions":["1.0.{}"],"database_specific":{{"cwes":[{{"cweId":"CWE-506","description":"The product contains code that appears to be malicious in nature.","name":"Embedded Malicious Code"}}],"source":"https://github.com/ossf/malicious-packages/blob/main/osv/malicious/npm/{name}/{id}.json"}}}}],"schema_version":"1.7.3","credits":[{{"name":"Amazon Inspector","type":"FINDER","contact":["actran@amazon.com"]}}]}}"#,
        round % 60,
        at % 9,
        at % 9
    );
    (id, text)
}

/// Writes an archive of so many records.
pub(crate) fn write(path: &Path, count: usize, record: impl Fn(usize) -> Record + Sync) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let part = path.with_extension("part");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&part).unwrap());
    let (mut at, mut directory) = (0_u64, Vec::new());
    for start in (0..count).step_by(AT_ONCE) {
        let packed: Vec<(Vec<u8>, Vec<u8>)> = (start..count.min(start + AT_ONCE))
            .into_par_iter()
            .map(|number| entry(&record(number)))
            .collect();
        for (local, mut central) in packed {
            let offset = u32::try_from(at).expect("an archive below 4 GiB");
            central[42..46].copy_from_slice(&offset.to_le_bytes());
            directory.extend_from_slice(&central);
            out.write_all(&local).unwrap();
            at += local.len() as u64;
        }
    }
    out.write_all(&directory).unwrap();
    let (count, size) = (count as u64, directory.len() as u64);
    let mut end = b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0".to_vec();
    for number in [count, count, size, at] {
        end.extend_from_slice(&number.to_le_bytes());
    }
    end.extend_from_slice(b"PK\x06\x07\0\0\0\0");
    end.extend_from_slice(&(at + size).to_le_bytes());
    end.extend_from_slice(b"\x01\0\0\0PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    out.write_all(&end).unwrap();
    out.flush().unwrap();
    fs::rename(part, path).unwrap();
}

/// A record as it stands in an archive, and its line in the directory.
fn entry((id, text): &Record) -> (Vec<u8>, Vec<u8>) {
    let name = format!("{id}.json");
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
    packer.write_all(text.as_bytes()).unwrap();
    let bytes = packer.finish().unwrap();
    let mut told = b"\x14\0\0\0\x08\0\0\0\x21\x5c".to_vec();
    for number in [crc32fast::hash(text.as_bytes()), bytes.len() as u32, text.len() as u32] {
        told.extend_from_slice(&number.to_le_bytes());
    }
    told.extend_from_slice(&(name.len() as u16).to_le_bytes());
    told.extend_from_slice(&[0, 0]);
    let local = [b"PK\x03\x04", told.as_slice(), name.as_bytes(), &bytes].concat();
    let central = [b"PK\x01\x02\x14\0", told.as_slice(), &[0; 14], name.as_bytes()].concat();
    (local, central)
}
