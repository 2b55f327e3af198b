//! What each document may hold: every key that some reader of it knows, ours or another's.
//!
//! Sources: the OCI image specification (`specs-go/v1`), moby's `image.V1Image` and `container.Config`, `docker save`'s `manifest.json`,
//! the in-toto attestation framework, DSSE, Sigstore's protobuf specs.

use Shape::{Any, Flag, Keys, List, Map, Message, Number, Text};

/// The form of a value. A `null` passes everywhere: whether it may stand there is for the type that the document is read into.
#[derive(Debug)]
pub enum Shape {
    /// Anything; equal keys are refused inside of it too.
    Any,
    /// A string.
    Text,
    /// A whole number that fits into 64 bits with a sign.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list of one form.
    List(&'static Self),
    /// An object whose keys are data, in which case matters: labels, annotations.
    Map(&'static Self),
    /// An object with known keys. Others may stand beside them, unless Go would take them for a known one.
    Keys(&'static [(&'static str, Self)]),
    /// The same for a protobuf message, where `two_words` is another spelling of `twoWords`.
    Message(&'static [(&'static str, Self)]),
}

const TEXTS: Shape = List(&Text);
const WORDS: Shape = Map(&Text);

const PLATFORM: Shape = Keys(&[
    ("architecture", Text),
    ("os", Text),
    ("os.version", Text),
    ("os.features", TEXTS),
    ("variant", Text),
    ("features", TEXTS),
]);

const DESCRIPTOR: Shape = Keys(&[
    ("mediaType", Text),
    ("digest", Text),
    ("size", Number),
    ("urls", TEXTS),
    ("annotations", WORDS),
    ("data", Text),
    ("platform", PLATFORM),
    ("artifactType", Text),
]);

/// A manifest or an index: one form for both, so that neither hides what would make it the other. The last three are of Docker's first schema.
pub const IMAGE: Shape = Keys(&[
    ("schemaVersion", Number),
    ("mediaType", Text),
    ("artifactType", Text),
    ("config", DESCRIPTOR),
    ("layers", List(&DESCRIPTOR)),
    ("manifests", List(&DESCRIPTOR)),
    ("subject", DESCRIPTOR),
    ("annotations", WORDS),
    ("blobs", Any),
    ("fsLayers", Any),
    ("signatures", Any),
]);

const RUN: Shape = Keys(&[
    ("Hostname", Text),
    ("Domainname", Text),
    ("User", Text),
    ("AttachStdin", Flag),
    ("AttachStdout", Flag),
    ("AttachStderr", Flag),
    ("ExposedPorts", Map(&Any)),
    ("Tty", Flag),
    ("OpenStdin", Flag),
    ("StdinOnce", Flag),
    ("Env", TEXTS),
    ("Cmd", TEXTS),
    (
        "Healthcheck",
        Keys(&[
            ("Test", TEXTS),
            ("Interval", Number),
            ("Timeout", Number),
            ("StartPeriod", Number),
            ("StartInterval", Number),
            ("Retries", Number),
        ]),
    ),
    ("ArgsEscaped", Flag),
    ("Image", Text),
    ("Volumes", Map(&Any)),
    ("WorkingDir", Text),
    ("Entrypoint", TEXTS),
    ("NetworkDisabled", Flag),
    ("MacAddress", Text),
    ("OnBuild", TEXTS),
    ("Labels", WORDS),
    ("StopSignal", Text),
    ("StopTimeout", Number),
    ("Shell", TEXTS),
    ("Memory", Number),
    ("MemorySwap", Number),
    ("CpuShares", Number),
]);

/// An image configuration, OCI's and Docker's.
pub const CONFIG: Shape = Keys(&[
    ("created", Text),
    ("author", Text),
    ("architecture", Text),
    ("variant", Text),
    ("os", Text),
    ("os.version", Text),
    ("os.features", TEXTS),
    ("config", RUN),
    ("rootfs", Keys(&[("type", Text), ("diff_ids", TEXTS)])),
    (
        "history",
        List(&Keys(&[
            ("created", Text),
            ("created_by", Text),
            ("author", Text),
            ("comment", Text),
            ("empty_layer", Flag),
        ])),
    ),
    ("id", Text),
    ("parent", Text),
    ("comment", Text),
    ("container", Text),
    ("container_config", RUN),
    ("docker_version", Text),
    ("Size", Number),
]);

/// `manifest.json` of a `docker save` archive.
pub const SAVED: Shape = List(&Keys(&[
    ("Config", Text),
    ("RepoTags", TEXTS),
    ("Layers", TEXTS),
    ("Parent", Text),
    ("LayerSources", Map(&DESCRIPTOR)),
]));

/// A registry's list of tags.
pub const TAGS: Shape = Keys(&[("name", Text), ("tags", TEXTS)]);

/// An in-toto statement. The predicate is its type's affair.
pub const STATEMENT: Shape = Message(&[
    ("_type", Text),
    (
        "subject",
        List(&Message(&[
            ("name", Text),
            ("uri", Text),
            ("digest", WORDS),
            ("content", Text),
            ("downloadLocation", Text),
            ("mediaType", Text),
            ("annotations", Map(&Any)),
        ])),
    ),
    ("predicateType", Text),
    ("predicate", Any),
]);

/// What a DSSE envelope may hold, by its specification.
pub const ENVELOPE: Shape = Message(&[
    ("payload", Text),
    ("payloadType", Text),
    ("signatures", List(&Message(&[("sig", Text), ("keyid", Text)]))),
]);

/// An entry of Rekor. Numbers of 64 bits are texts in protobuf's JSON, and read as either.
const LOG_ENTRY: Shape = Message(&[
    ("logIndex", Any),
    ("logId", Message(&[("keyId", Text)])),
    ("kindVersion", Message(&[("kind", Text), ("version", Text)])),
    ("integratedTime", Any),
    ("inclusionPromise", Message(&[("signedEntryTimestamp", Text)])),
    (
        "inclusionProof",
        Message(&[
            ("logIndex", Any),
            ("rootHash", Text),
            ("treeSize", Any),
            ("hashes", TEXTS),
            ("checkpoint", Message(&[("envelope", Text)])),
        ]),
    ),
    ("canonicalizedBody", Text),
]);

/// What a Sigstore bundle may hold, by its protobuf definition.
pub const BUNDLE: Shape = Message(&[
    ("mediaType", Text),
    (
        "verificationMaterial",
        Message(&[
            ("publicKey", Message(&[("hint", Text)])),
            ("x509CertificateChain", Any),
            ("certificate", Message(&[("rawBytes", Text)])),
            ("tlogEntries", List(&LOG_ENTRY)),
            (
                "timestampVerificationData",
                Message(&[("rfc3161Timestamps", List(&Message(&[("signedTimestamp", Text)])))]),
            ),
        ]),
    ),
    ("messageSignature", Any),
    ("dsseEnvelope", ENVELOPE),
]);
