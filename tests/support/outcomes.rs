//! Outcomes that reports are tested with: what a run of a small service could have given.

use jiff::Timestamp;
use portcullis::model::advisory::{AdvisoryKind, FeedRevision};
use portcullis::model::canary::{CanaryStep, StepVerdict, VersionFigures};
use portcullis::model::commit::{Commit, CommitSha};
use portcullis::model::coverage::GapKind;
use portcullis::model::digest::Digest;
use portcullis::model::event::Stage;
use portcullis::model::finding::{Cause, Disposition, Finding, Judgement, Level, RuleCode};
use portcullis::model::health::{Answered, Sample};
use portcullis::model::inventory::{Location, SourcePackage, Subject};
use portcullis::model::outcome::{BaselineSummary, Outcome, Publication, RolloutReport, RolloutResult, Step};
use portcullis::model::purl::Purl;
use portcullis::model::severity::Severity;
use portcullis::model::verdict::{Decision, Inputs, JudgedGap, PolicyInput, VERDICT_SCHEMA, Verdict};
use portcullis::model::waiver::{WaiverReport, WaiverState};

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn sha() -> CommitSha {
    CommitSha::parse("4f2a9c1b0d3e5f60718293a4b5c6d7e8f9012345").unwrap()
}

fn subject() -> Subject {
    Subject {
        name: "payments".to_owned(),
        digest: Some(digest(0x9f)),
        commit: Some(sha()),
    }
}

fn feed(name: &str, records: u64, as_of: &str) -> FeedRevision {
    FeedRevision {
        name: name.to_owned(),
        source: "https://osv-vulnerabilities.storage.googleapis.com".to_owned(),
        revision: digest(0x31),
        records,
        quarantined: 0,
        as_of: time(as_of),
        bundle: None,
        served_by: None,
    }
}

fn verdict(decision: Decision) -> Verdict {
    Verdict {
        schema: VERDICT_SCHEMA.to_owned(),
        subject: subject(),
        verdict: decision,
        evaluated_at: time("2026-11-21T12:40:00Z"),
        asked_as_of: None,
        findings: Vec::new(),
        gaps: Vec::new(),
        waivers: Vec::new(),
        not_applicable: Vec::new(),
        passed_over: Vec::new(),
        only_new: false,
        denies_ended_waivers: false,
        components: 118,
        inputs: Inputs {
            gate: "0.1.0".to_owned(),
            policy: PolicyInput {
                name: "policies/gate.toml".to_owned(),
                digest: digest(0x70),
            },
            waivers: Some(digest(0x77)),
            vex: Vec::new(),
            cached_layers: Vec::new(),
            release_times: None,
            linked: None,
            inventory: digest(0x1f),
            feeds: vec![
                feed("osv:Debian", 41_230, "2026-11-21T09:12:00Z"),
                feed("osv:crates.io", 1_874, "2026-11-21T11:58:00Z"),
            ],
        },
    }
}

fn outcome(verdict: Verdict) -> Outcome {
    Outcome {
        service: "payments".to_owned(),
        commit: Some(Commit {
            sha: sha(),
            time: time("2026-11-21T12:30:00Z"),
            dirty: false,
            source: Some("https://github.com/acme/payments".to_owned()),
            tags: Vec::new(),
            branch: None,
            unreachable: false,
        }),
        subject: Some(subject()),
        reached: Some(Stage::Policy),
        verdict: Some(verdict),
        output: "target/portcullis".to_owned(),
        files: [
            "events.ndjson",
            "findings.json",
            "sbom.cdx.json",
            "sbom.spdx.json",
            "summary.md",
            "verdict.json",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..Outcome::default()
    }
}

fn judged(finding: Finding, disposition: Disposition) -> Judgement {
    Judgement {
        finding,
        disposition,
        waiver: None,
        cause: None,
    }
}

pub(crate) fn advisory(ids: &[&str], purl: &str, severity: Option<Severity>, message: &str) -> Finding {
    let mut finding = Finding::new(RuleCode::new("vulnerable-component"), Level::Deny, message);
    finding.ids = ids.iter().map(|id| (*id).to_owned()).collect();
    finding.purl = Some(Purl::parse(purl).unwrap());
    finding.severity = severity;
    finding.severity_source = severity.map(|_| format!("CVSS:3.1 of {}", ids[0]));
    finding.advisory_kind = Some(AdvisoryKind::Vulnerability);
    finding
}

fn layer(path: &str, byte: u8, step: &str) -> Location {
    Location {
        path: path.to_owned(),
        layer: Some(digest(byte)),
        created_by: Some(step.to_owned()),
        part: None,
        line: None,
    }
}

/// Denied by an advisory in a crate, two in an OS package and a rule without a component; warned and waived ones beside.
pub(crate) fn blocked() -> Outcome {
    let mut verdict = verdict(Decision::Blocked);
    let mut smallvec = advisory(
        &["RUSTSEC-2021-0003", "CVE-2021-25900", "GHSA-43w2-9j62-hq99"],
        "pkg:cargo/smallvec@1.6.0",
        Some(Severity::Critical),
        "Buffer overflow in SmallVec::insert_many",
    );
    smallvec.fixed = vec!["1.6.1".to_owned()];
    smallvec.help = Some("cargo update -p smallvec --precise 1.6.1".to_owned());
    smallvec.locations = vec![
        Location {
            line: Some(112),
            ..Location::path("Cargo.lock")
        },
        layer("/payments", 0xab, "COPY payments /payments"),
    ];
    verdict.findings.push(judged(smallvec, Disposition::Denied));
    for (id, text) in [
        (
            "DEBIAN-CVE-2026-1111",
            "openssl: timing side channel in the handling of PKCS#12 files that are not trusted",
        ),
        ("DEBIAN-CVE-2026-2222", ""),
    ] {
        for package in ["libssl3", "openssl"] {
            let mut finding = advisory(
                &[id, &id[7..]],
                &format!("pkg:deb/debian/{package}@3.0.11-1~deb12u2?arch=amd64&distro=debian-12"),
                (!text.is_empty()).then_some(Severity::High),
                if text.is_empty() { "an advisory without a summary" } else { text },
            );
            finding.source = Some(SourcePackage {
                name: "openssl".to_owned(),
                version: "3.0.11-1~deb12u2".to_owned(),
            });
            finding.fixed = vec!["3.0.17-1~deb12u1".to_owned()];
            finding.help = Some("rebuild on a newer base image: Debian has fixed openssl in 3.0.17-1~deb12u1".to_owned());
            finding.locations = vec![layer(
                "/var/lib/dpkg/status",
                0xcd,
                "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends openssl ca-certificates && rm -rf /var/lib/apt/lists/*",
            )];
            verdict.findings.push(judged(finding, Disposition::Denied));
        }
    }
    let mut root = Finding::new(RuleCode::new("root-user"), Level::Deny, "the image runs as root");
    root.subject = Some("User".to_owned());
    root.help = Some("set `USER 65532:65532` in the Dockerfile".to_owned());
    verdict.findings.push(judged(root, Disposition::Denied));

    let mut atty = advisory(&["RUSTSEC-2024-0375"], "pkg:cargo/atty@0.2.14", None, "`atty` is unmaintained");
    atty.rule = RuleCode::new("unmaintained-crate");
    atty.advisory_kind = Some(AdvisoryKind::Unmaintained);
    verdict.findings.push(judged(atty, Disposition::Warned));
    verdict.findings.push(judged(
        advisory(
            &["DEBIAN-CVE-2019-9192", "CVE-2019-9192"],
            "pkg:deb/debian/libc6@2.36-9?arch=amd64",
            Some(Severity::Low),
            "In the GNU C Library through 2.29, check_dst_limits_calc_pos_1 in posix/regexec.c has uncontrolled recursion",
        ),
        Disposition::Warned,
    ));
    let mut waived = judged(
        advisory(
            &["RUSTSEC-2023-0071", "CVE-2023-49092"],
            "pkg:cargo/rsa@0.9.6",
            Some(Severity::Medium),
            "Marvin Attack: potential key recovery through timing sidechannels",
        ),
        Disposition::Waived,
    );
    waived.waiver = Some("#1 CVE-2023-49092".to_owned());
    verdict.findings.push(waived);
    verdict.waivers = vec![
        waiver(
            "#1 CVE-2023-49092",
            "pkg:cargo/rsa@0.9.*",
            WaiverState::Expiring,
            "2026-11-24",
            12,
            1,
        ),
        waiver("#2 CVE-2020-0001", "pkg:cargo/gone@*", WaiverState::Unused, "2027-01-01", 24, 0),
        waiver(
            "#3 RUSTSEC-2021-0003",
            "pkg:cargo/smallvec@*",
            WaiverState::Expired,
            "2026-11-20",
            36,
            0,
        ),
    ];
    verdict.gaps = vec![JudgedGap {
        kind: GapKind::UnownedExecutable,
        subject: "/usr/local/bin/helper".to_owned(),
        detail: "an ELF file that no package owns and that carries no audit data".to_owned(),
        disposition: Disposition::Warned,
    }];
    outcome(verdict)
}

fn waiver(name: &str, package: &str, state: WaiverState, expires: &str, line: u32, covers: usize) -> WaiverReport {
    WaiverReport {
        waiver: name.to_owned(),
        id: name.split(' ').nth(1).unwrap_or_default().to_owned(),
        package: package.to_owned(),
        state,
        reason: "not_affected".to_owned(),
        justification: Some("vulnerable_code_not_in_execute_path".to_owned()),
        statement: "We never decrypt with a private key.".to_owned(),
        owner: "payments-team".to_owned(),
        approved_by: vec!["security@acme.example".to_owned()],
        created: Some("2026-11-01".parse().unwrap()),
        expires: expires.parse().unwrap(),
        line,
        covers,
        refused: Vec::new(),
    }
}

/// The code is the same as at the last cleared run; an advisory is new and a waiver has ended.
pub(crate) fn red_overnight() -> Outcome {
    let mut outcome = blocked();
    outcome.baseline = Some(BaselineSummary {
        source: "target/last/verdict.json".to_owned(),
        subject: subject(),
        verdict: Decision::Cleared,
        evaluated_at: time("2026-11-20T17:02:00Z"),
    });
    let verdict = outcome.verdict.as_mut().unwrap();
    verdict.findings.retain(|j| j.finding.rule.as_str() != "root-user");
    for judgement in verdict.findings.iter_mut().filter(|j| j.disposition == Disposition::Denied) {
        let expired = judgement.finding.ids[0] == "RUSTSEC-2021-0003";
        judgement.cause = Some(if expired { Cause::WaiverExpired } else { Cause::NewlyPublished });
    }
    outcome
}

/// A feed is too old.
pub(crate) fn undecidable() -> Outcome {
    let mut verdict = verdict(Decision::Undecidable);
    verdict.inputs.feeds[0].as_of = time("2026-11-12T08:00:00Z");
    verdict.gaps = vec![
        JudgedGap {
            kind: GapKind::StaleFeed,
            subject: "osv:Debian".to_owned(),
            detail: "its newest record is of 2026-11-12T08:00:00Z; the policy allows 24 h".to_owned(),
            disposition: Disposition::Denied,
        },
        JudgedGap {
            kind: GapKind::PartialDatabase,
            subject: "/var/lib/dpkg/status".to_owned(),
            detail: "line 4711: a package without a version".to_owned(),
            disposition: Disposition::Denied,
        },
    ];
    outcome(verdict)
}

fn step(at: &str, state: &str, detail: &str) -> Step {
    Step {
        at: time(at),
        state: serde_json::from_value(state.into()).unwrap(),
        detail: detail.to_owned(),
    }
}

fn sample(at: &str, healthy: bool, answered: Answered) -> Sample {
    Sample {
        at: time(at),
        via: "front door".to_owned(),
        healthy,
        answered,
        status: Some(if healthy { 200 } else { 503 }),
        latency_ms: 3.25,
        error: (!healthy).then(|| "status 503, expected 200".to_owned()),
    }
}

/// Cleared, published, committed.
pub(crate) fn live() -> Outcome {
    let mut outcome = outcome(verdict(Decision::Cleared));
    outcome.reached = Some(Stage::Rollout);
    outcome.publication = Some(Publication {
        reference: format!("oci:target/image@{}", digest(0x9f)),
        also: Vec::new(),
        digest: digest(0x9f),
        tags: vec![sha().to_string()],
        bytes_sent: 4_812_345,
        attestations: vec![digest(1), digest(2)],
        signed_by: Some("ecdsa-p256:MTIzNDU2Nzg5MA==".to_owned()),
    });
    outcome.rollout = Some(RolloutReport {
        rollback: false,
        schema: "portcullis/rollout/v1".to_owned(),
        service: "payments".to_owned(),
        target: "process".to_owned(),
        run: "20261121T124003-4f2a".to_owned(),
        result: RolloutResult::Committed,
        digest: digest(0x9f),
        live: Some(digest(0x9f)),
        live_commit: None,
        previous: Some(digest(0x8e)),
        reason: None,
        next: None,
        url: Some("http://127.0.0.1:8080/".to_owned()),
        unverified: None,
        plan: None,
        steps: vec![
            step("2026-11-21T12:40:03Z", "Locked", "by this run"),
            step("2026-11-21T12:40:03Z", "Staging", "127.0.0.1:41873"),
            step("2026-11-21T12:40:04.2Z", "StagedHealthy", "3 successes in a row"),
            step("2026-11-21T12:40:04.3Z", "Shifting", "127.0.0.1:8080 → 127.0.0.1:41873"),
            step("2026-11-21T12:40:10Z", "Soaking", "5 s"),
            step("2026-11-21T12:40:15Z", "Committed", ""),
        ],
        canary: Vec::new(),
        samples: (0..6)
            .map(|n| sample(&format!("2026-11-21T12:40:0{n}Z"), true, Answered::New))
            .collect(),
        cut_requests: Some(0),
    });
    outcome
}

/// Two steps of a canary: one that was passed, and one that was not, for a hostile reason.
pub(crate) fn canary() -> Vec<CanaryStep> {
    let figures = |requests, server_errors, p95_ms| VersionFigures {
        requests,
        server_errors,
        p95_ms: Some(p95_ms),
        ..VersionFigures::default()
    };
    let step = |share, new, old| CanaryStep {
        share,
        from: "2026-11-21T12:40:05Z".parse().unwrap(),
        elapsed_ms: 30_000,
        new,
        old,
        metric: Some(0.2),
        verdict: StepVerdict::Passed,
        reason: None,
    };
    vec![
        step(5, figures(38, 0, 12.0), figures(712, 0, 11.5)),
        CanaryStep {
            verdict: StepVerdict::Failed,
            reason: Some("7 of 190 requests failed \u{1b}[2J<b>and</b> the budget is 1 %, and the budget is 1 %".to_owned()),
            ..step(25, figures(190, 7, 14.0), figures(560, 0, 11.0))
        },
    ]
}

/// Cleared, published, and the new version did not answer.
pub(crate) fn rolled_back() -> Outcome {
    let mut outcome = live();
    let report = outcome.rollout.as_mut().unwrap();
    report.result = RolloutResult::RolledBack;
    report.live = report.previous;
    report.reason = Some("the new version was never healthy: status 503, expected 200".to_owned());
    report.samples.push(sample("2026-11-21T12:40:09Z", false, Answered::Unknown));
    report.steps.truncate(4);
    report
        .steps
        .push(step("2026-11-21T12:40:24Z", "RollingBack", "to sha256:8e8e8e8e8e8e"));
    report
        .steps
        .push(step("2026-11-21T12:40:26Z", "RolledBack", "the old version answers"));
    outcome
}

/// A blocked run in which every foreign text tries to break out.
pub(crate) fn hostile() -> Outcome {
    let evil = "x\n::error file=a::pwned\r\n##[add-path]/tmp\u{1b}[2J\u{202e}<script>alert(1)</script>|[a](http://evil.example)";
    let mut outcome = blocked();
    outcome.service = evil.to_owned();
    outcome.files.push(evil.to_owned());
    let verdict = outcome.verdict.as_mut().unwrap();
    verdict.inputs.policy.name = evil.to_owned();
    verdict.inputs.feeds[0].name = evil.to_owned();
    verdict.inputs.feeds[0].source = evil.to_owned();
    for gap in &mut verdict.gaps {
        gap.subject = evil.to_owned();
        gap.detail = evil.to_owned();
    }
    for waiver in &mut verdict.waivers {
        waiver.waiver = evil.to_owned();
        waiver.id = evil.to_owned();
        waiver.package = evil.to_owned();
        waiver.owner = evil.to_owned();
        waiver.statement = evil.to_owned();
    }
    for judgement in &mut verdict.findings {
        judgement.waiver = judgement.waiver.as_ref().map(|_| evil.to_owned());
        let finding = &mut judgement.finding;
        finding.message = evil.to_owned();
        finding.help = Some(evil.to_owned());
        finding.fixed = vec![evil.to_owned()];
        finding.subject = Some(evil.to_owned());
        for id in &mut finding.ids {
            *id = format!("{id}{evil}");
        }
        if let Some(purl) = &mut finding.purl {
            purl.name = evil.to_owned();
            purl.version = Some(evil.to_owned());
        }
        if let Some(source) = &mut finding.source {
            source.name = evil.to_owned();
        }
        for location in &mut finding.locations {
            location.path = evil.to_owned();
            location.created_by = Some(evil.to_owned());
        }
    }
    outcome
}

pub(crate) fn all() -> Vec<Outcome> {
    vec![blocked(), red_overnight(), undecidable(), live(), rolled_back(), hostile()]
}
