//! Records to the bytes of an index. Equal records give equal bytes, whatever their order.

use std::cmp::Ordering;

use crate::model::advisory::AdvisoryKind;
use crate::model::severity::Severity;
use crate::stage::matching::index::alias::{self, Groups};
use crate::stage::matching::record::parsed::{ParsedClaim, ParsedRating, ParsedRecord};

use super::Meta;
use super::chunk::Chunk;
use super::layout::{BLOCK, Header, NONE, SECTIONS, Section};
use super::strings::{EMPTY, PoolFull, RefMap, StringRef, hash};

/// The bytes of the file.
pub(in crate::stage::matching) fn encode(mut chunk: Chunk, meta: &Meta) -> Result<Vec<u8>, PoolFull> {
    let groups = alias::resolve(&chunk.records, &mut chunk.pool)?;
    let mut words = Words::default();
    let (groups_section, group_lists) = encode_groups(&groups, &mut words);
    let (advisories, joined_lists) = encode_advisories(&chunk.records, &groups, &group_lists, &mut words);
    let ids = encode_ids(&chunk, &groups, &group_lists, &joined_lists);
    let (buckets, packages, claims) = encode_claims(&chunk, &mut words);
    let meta = serde_json::to_vec(meta).expect("texts and numbers are JSON");
    let words = words.bytes;
    drop(chunk.records);
    drop(groups);
    let strings = chunk.pool.into_bytes();
    Ok(assemble([
        meta,
        strings,
        buckets,
        packages,
        claims,
        words,
        advisories,
        groups_section,
        ids,
    ]))
}

fn assemble(parts: [Vec<u8>; SECTIONS - 1]) -> Vec<u8> {
    let body: usize = parts.iter().map(Vec::len).sum();
    let mut file = Vec::with_capacity(BLOCK + body + body / BLOCK * 4 + 8);
    file.resize(BLOCK, 0);
    let mut sections = [(0, 0); SECTIONS];
    for (at, part) in parts.into_iter().enumerate() {
        sections[at] = (file.len() as u64, part.len() as u64);
        file.extend_from_slice(&part);
    }
    let checks: Vec<u8> = file[BLOCK..]
        .chunks(BLOCK)
        .flat_map(|block| crc32fast::hash(block).to_le_bytes())
        .collect();
    sections[Section::Checks as usize] = (file.len() as u64, checks.len() as u64);
    let header = Header {
        length: (file.len() + checks.len()) as u64,
        sections,
        checks: crc32fast::hash(&checks),
    };
    file.extend_from_slice(&checks);
    file[..BLOCK].copy_from_slice(&header.encode());
    file
}

/// The section of lists.
#[derive(Default)]
struct Words {
    bytes: Vec<u8>,
}

impl Words {
    fn here(&self) -> u32 {
        u32::try_from(self.bytes.len() / 4).unwrap_or(NONE)
    }

    fn put(&mut self, word: u32) {
        self.bytes.extend_from_slice(&word.to_le_bytes());
    }

    /// A list that is mostly empty, and takes no room then.
    fn list_or_none(&mut self, items: &[u32]) -> u32 {
        if items.is_empty() { NONE } else { self.list(items) }
    }

    fn list(&mut self, items: &[u32]) -> u32 {
        let at = self.here();
        self.put(items.len() as u32);
        for item in items {
            self.put(*item);
        }
        at
    }
}

fn put(bytes: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

fn rating_words(rating: Option<ParsedRating>) -> [u32; 4] {
    let Some(rating) = rating else { return [NONE; 4] };
    let score = rating.score.map_or(NONE, |score| (score * 10.0).round() as u32);
    [severity_word(rating.severity), score, rating.vector.unwrap_or(NONE), rating.source]
}

/// Numbers of the file format; never reorder.
pub(super) fn severity_word(severity: Severity) -> u32 {
    match severity {
        Severity::None => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    }
}

/// Numbers of the file format; never reorder. Bit 8: withdrawn. Bit 9: set aside. Bit 10: from the overlay.
pub(super) fn kind_word(kind: AdvisoryKind) -> u32 {
    match kind {
        AdvisoryKind::Vulnerability => 0,
        AdvisoryKind::Malicious => 1,
        AdvisoryKind::Unmaintained => 2,
        AdvisoryKind::Unsound => 3,
        AdvisoryKind::Notice => 4,
    }
}

/// Set in a record's kind when it was withdrawn.
pub(super) const WITHDRAWN: u32 = 1 << 8;
/// Set in a record's kind when it was set aside; its summary is the reason.
pub(super) const BROKEN: u32 = 1 << 9;
/// Set in a record's kind when it came from the overlay.
pub(super) const OVERLAID: u32 = 1 << 10;

fn encode_groups(groups: &Groups, words: &mut Words) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::with_capacity(groups.groups.len() * super::layout::GROUP);
    let mut lists = Vec::with_capacity(groups.groups.len());
    for (at, group) in groups.groups.iter().enumerate() {
        let ids = words.list(&group.ids);
        lists.push(words.list(&[at as u32]));
        put(&mut bytes, &[ids, kind_word(group.kind)]);
        put(&mut bytes, &rating_words(group.rating));
    }
    (bytes, lists)
}

/// The records, and for each bundle (by the string of its id) the list of its groups, its own among them.
fn encode_advisories(records: &[ParsedRecord], groups: &Groups, lists: &[u32], words: &mut Words) -> (Vec<u8>, RefMap<u32>) {
    let own: RefMap<u32> = groups.of_id.iter().copied().collect();
    let mut joined = RefMap::default();
    let mut bytes = Vec::with_capacity(records.len() * super::layout::ADVISORY);
    for (record, of) in records.iter().zip(&groups.of_record) {
        let list = match **of {
            [one] => lists[one as usize],
            ref many => words.list(many),
        };
        let own = own.get(&record.id).copied();
        if own.is_some_and(|own| !of.contains(&own)) {
            let mut all = of.to_vec();
            all.extend(own);
            joined.insert(record.id, words.list(&all));
        }
        let flag = |set: bool, bit: u32| if set { bit } else { 0 };
        let flags = flag(record.withdrawn, WITHDRAWN) | flag(record.broken.is_some(), BROKEN) | flag(record.overlaid, OVERLAID);
        let summary = record.broken.unwrap_or(record.summary);
        put(&mut bytes, &[record.id, summary, record.url, list, kind_word(record.kind) | flags]);
        put(&mut bytes, &rating_words(record.rating));
        bytes.extend_from_slice(&record.published.to_le_bytes());
        bytes.extend_from_slice(&record.modified.to_le_bytes());
        let aliases = words.list_or_none(&record.aliases);
        put(&mut bytes, &[record.file, aliases, words.list_or_none(&record.upstream)]);
    }
    (bytes, joined)
}

fn encode_ids(chunk: &Chunk, groups: &Groups, lists: &[u32], joined: &RefMap<u32>) -> Vec<u8> {
    let entry = |(id, group): &(StringRef, u32)| {
        let list = joined.get(id).copied().unwrap_or(lists[*group as usize]);
        (hash(chunk.pool.get(*id)), *id, list)
    };
    let mut entries: Vec<(u64, u32, u32)> = groups.of_id.iter().map(entry).collect();
    entries.sort_unstable();
    let mut bytes = Vec::with_capacity(entries.len() * super::layout::ID);
    for (hash, id, list) in entries {
        bytes.extend_from_slice(&hash.to_le_bytes());
        put(&mut bytes, &[id, list]);
    }
    bytes
}

/// Buckets, packages and claims.
fn encode_claims(chunk: &Chunk, words: &mut Words) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let mut order: Vec<(u64, StringRef, u32, u32)> = Vec::new();
    for (advisory, record) in chunk.records.iter().enumerate() {
        for (at, claim) in record.claims.iter().enumerate() {
            order.push((hash(chunk.pool.get(claim.package)), claim.package, advisory as u32, at as u32));
        }
    }
    let text = |at: StringRef| chunk.pool.get(at);
    order.sort_unstable_by(|a, b| {
        let by_name = if a.1 == b.1 { Ordering::Equal } else { text(a.1).cmp(text(b.1)) };
        a.0.cmp(&b.0).then(by_name).then((a.2, a.3).cmp(&(b.2, b.3)))
    });
    let (mut packages, mut claims, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&(hash, package, ..)) = order.get(at) {
        let count = order[at..].iter().take_while(|entry| entry.1 == package && entry.0 == hash).count();
        starts.push(hash);
        packages.extend_from_slice(&hash.to_le_bytes());
        put(&mut packages, &[package, at as u32, count as u32]);
        for (.., advisory, number) in &order[at..at + count] {
            let claim = &chunk.records[*advisory as usize].claims[*number as usize];
            let list = claim_words(claim, words);
            put(&mut claims, &[*advisory, claim.release, list]);
        }
        at += count;
    }
    (buckets(&starts), packages, claims)
}

/// For each bucket the number of the first package whose hash is in it or above.
fn buckets(hashes: &[u64]) -> Vec<u8> {
    let bits = bucket_bits(hashes.len());
    let mut bytes = Vec::with_capacity(((1 << bits) + 1) * 4);
    let mut at = 0;
    for bucket in 0..1_u64 << bits {
        while at < hashes.len() && bucket_of(hashes[at], bits) < bucket {
            at += 1;
        }
        put(&mut bytes, &[at as u32]);
    }
    put(&mut bytes, &[hashes.len() as u32]);
    bytes
}

/// How many of a hash's upper bits name its bucket: about one package a bucket.
pub(super) fn bucket_bits(packages: usize) -> u32 {
    packages.max(1).next_power_of_two().trailing_zeros()
}

/// The bucket of a hash.
pub(super) fn bucket_of(hash: u64, bits: u32) -> u64 {
    if bits == 0 { 0 } else { hash >> (64 - bits) }
}

fn claim_words(claim: &ParsedClaim, words: &mut Words) -> u32 {
    let at = words.here();
    words.put(claim.broken);
    words.put(claim.intervals.len() as u32);
    for (start, end, inclusive) in &claim.intervals {
        words.put(*start);
        words.put(*end);
        words.put(u32::from(*inclusive));
    }
    for list in [
        &claim.versions,
        &claim.fixed,
        &claim.os,
        &claim.arch,
        &claim.functions,
        &claim.urgency,
    ] {
        words.list(list);
    }
    debug_assert!(claim.broken != NONE && EMPTY == 0);
    at
}
