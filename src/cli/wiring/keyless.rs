//! `[sign.keyless]`, and the flags that say the same, resolved.

use super::Workspace;
use crate::cli::args::WhoseSignature;
use crate::cli::error::CliError;
use crate::io::http::OwnOrigin;
use crate::io::secret::{self, Secrets};
use crate::model::plan::{KeySource, Keyless, KeylessServices, SignerIdentity};

use super::publish::elsewhere;

impl Workspace {
    /// Signing by an identity, as configured.
    ///
    /// # Errors
    /// [`CliError::Setting`] for half of what belongs together, and for an address that nothing secret may be sent to.
    pub(super) fn keyless(&self) -> Result<KeySource, CliError> {
        let sign = &self.config.sign;
        if sign.legacy {
            return Err(CliError::setting(
                "sign.legacy",
                "cosign's older tags are for signatures with a key: leave it away with key = \"keyless\"",
            ));
        }
        let configured = &sign.keyless;
        let services = match (&configured.fulcio, &configured.rekor, &configured.timestamp_authority) {
            (None, None, None) => None,
            (Some(fulcio), Some(rekor), Some(authority)) => Some(KeylessServices {
                fulcio: address("sign.keyless.fulcio", fulcio)?,
                rekor: address("sign.keyless.rekor", rekor)?,
                timestamp_authority: address("sign.keyless.timestamp_authority", authority)?,
            }),
            _ => {
                return Err(CliError::setting(
                    "sign.keyless",
                    "`fulcio`, `rekor` and `timestamp_authority` belong together: no part of one instance is guessed for another",
                ));
            }
        };
        let trusted_root = match &configured.trusted_root {
            Some(path) => Some(self.used("sign.keyless.trusted_root", path)?),
            None => None,
        };
        Ok(KeySource::Keyless(Box::new(Keyless {
            services,
            trusted_root,
            signer: signer(&configured.identity, &configured.issuer, &configured.repository)
                .map_err(|()| CliError::setting("sign.keyless", "`identity` and `issuer` belong together, and `repository` to both"))?,
        })))
    }

    /// Whose signatures count: those that the flags name, else those that the configuration does.
    ///
    /// # Errors
    /// [`CliError::Missing`] when neither says it, [`CliError::Setting`].
    pub(in crate::cli) fn whose(&self, named: &WhoseSignature) -> Result<KeySource, CliError> {
        if let Some(path) = &named.key {
            if let Some(problem) = path.to_str().and_then(elsewhere) {
                return Err(CliError::setting("--key", problem));
            }
            return Ok(KeySource::File(path.clone()));
        }
        let signer = signer(
            &named.certificate_identity,
            &named.certificate_oidc_issuer,
            &named.certificate_github_workflow_repository,
        )
        .map_err(|()| {
            CliError::setting(
                "--certificate-identity",
                "it needs --certificate-oidc-issuer beside it, and the other way round",
            )
        })?;
        let configured = self.key()?;
        if signer.is_none() && named.trusted_root.is_none() {
            return match configured {
                Some(KeySource::Keyless(keyless)) if keyless.signer.is_none() => Err(CliError::Missing {
                    problem: "nobody said whose keyless signature counts".to_owned(),
                    help: "name `identity` and `issuer` in [sign.keyless], or --certificate-identity and --certificate-oidc-issuer"
                        .to_owned(),
                }),
                // Who verifies has no private key, and needs none.
                Some(KeySource::Env(name)) if Secrets::secret(&secret::Environment, &name).is_none() => Err(CliError::Missing {
                    problem: format!("no key to verify with: {name}, which [sign] key names, is not set"),
                    help: "name the public key of whoever signed with --key FILE".to_owned(),
                }),
                Some(source) => Ok(source),
                None => Err(CliError::Missing {
                    problem: "no key to verify with".to_owned(),
                    help:
                        "name the public key with --key FILE, or configure [sign] key; for a keyless signature, --certificate-identity and \
                           --certificate-oidc-issuer"
                            .to_owned(),
                }),
            };
        }
        let configured = match configured {
            Some(KeySource::Keyless(keyless)) => Some(*keyless),
            _ => None,
        };
        let configured_signer = configured.as_ref().and_then(|keyless| keyless.signer.clone());
        // Who names the configured signer again, without its repository, takes nothing off it.
        let is_same = |named: &SignerIdentity, configured: &SignerIdentity| {
            named.repository.is_none() && named.identity == configured.identity && named.issuer == configured.issuer
        };
        let signer = match (signer, configured_signer) {
            (Some(named), Some(configured)) if is_same(&named, &configured) => Some(configured),
            (named, configured) => named.or(configured),
        };
        let signer = signer.ok_or_else(|| {
            CliError::setting(
                "--trusted-root",
                "it is for keyless signatures: name --certificate-identity and --certificate-oidc-issuer too",
            )
        })?;
        Ok(KeySource::Keyless(Box::new(Keyless {
            services: None,
            trusted_root: named
                .trusted_root
                .clone()
                .or_else(|| configured.and_then(|keyless| keyless.trusted_root)),
            signer: Some(signer),
        })))
    }
}

fn address(key: &'static str, url: &str) -> Result<String, CliError> {
    match OwnOrigin::refusal(url) {
        Some(reason) => Err(CliError::setting(key, reason)),
        None => Ok(url.to_owned()),
    }
}

fn signer(identity: &Option<String>, issuer: &Option<String>, repository: &Option<String>) -> Result<Option<SignerIdentity>, ()> {
    match (identity, issuer, repository) {
        (Some(identity), Some(issuer), repository) if !identity.is_empty() && !issuer.is_empty() => Ok(Some(SignerIdentity {
            identity: identity.clone(),
            issuer: issuer.clone(),
            repository: repository.clone(),
        })),
        (None, None, None) => Ok(None),
        _ => Err(()),
    }
}
