//! Whom to trust behind TLS, and the certificate that says who we are.
//!
//! What the machine trusts is trusted everywhere. What lies in a registry's own directory is added for that registry alone, also
//! where it leads us to for a token or a blob; our own certificate is shown to nobody but the registry itself.

use crate::error::{Context, Error, Result};
use crate::registry::settings::About;
use crate::registry::way::address::Address;
use crate::registry::way::trust::Trust;
use crate::sys::{Errno, file};
use rustls::ClientConfig;
use rustls::client::ResolvesClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LONGEST_FILE: u64 = 16 << 20;

/// Where distributions keep the certificates that the machine trusts.
const OF_THE_MACHINE: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"];

/// Where Docker and podman keep those of each registry.
const OF_REGISTRIES: &[&str] = &["/etc/docker/certs.d", "/etc/containers/certs.d"];

#[derive(Clone, Debug, Default)]
pub struct Certificates {
    /// Of this registry.
    dirs: Vec<PathBuf>,
    /// The one that the user has named: it must be there.
    named: Option<PathBuf>,
    trusts_anybody: bool,
}

impl Certificates {
    pub fn of(address: &Address, about: &About) -> Certificates {
        let mut names = vec![address.name.as_str(), address.host.as_str()];
        names.dedup();
        let dirs = OF_REGISTRIES.iter().flat_map(|dir| names.iter().map(|name| Path::new(dir).join(name))).collect();
        Certificates { dirs, named: about.certificates.clone(), trusts_anybody: about.skip_verify }
    }

    /// `is_own`: it is the registry itself that we speak to.
    pub fn tls(&self, is_own: bool) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let (mut named, mut own) = (Vec::new(), None);
        for dir in self.named.iter().chain(&self.dirs) {
            let names = match names_in(dir) {
                Err(Errno::ENOENT | Errno::ENOTDIR) if self.named.as_ref() != Some(dir) => continue,
                names => names.with_context(|| format!("cannot read the certificates in {}", dir.display()))?,
            };
            for path in names.iter().map(|name| dir.join(name)) {
                match path.extension().and_then(|end| end.to_str()) {
                    Some("crt") => named.extend(certificates(&path)?),
                    Some("cert") if is_own && own.is_none() => own = Some(pair(&path, &provider)?),
                    _ => {}
                }
            }
        }
        let trust = Trust::new(provider.clone(), of_the_machine(), named, self.trusts_anybody);
        let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let cannot = |e: rustls::Error| Error::failed("cannot speak TLS").because(e);
        let builder = versions.map_err(cannot)?.dangerous().with_custom_certificate_verifier(Arc::new(trust));
        Ok(match own {
            Some(own) => builder.with_client_cert_resolver(own),
            None => builder.with_no_client_auth(),
        })
    }
}

/// `SSL_CERT_FILE` says where they are, as everywhere.
fn of_the_machine() -> Vec<CertificateDer<'static>> {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let text = named.iter().map(String::as_str).chain(OF_THE_MACHINE.iter().copied()).find_map(|path| std::fs::read(path).ok());
    parsed(&text.unwrap_or_default())
}

/// In order, so that every time the same one is the first.
fn names_in(dir: &Path) -> Result<Vec<std::ffi::OsString>, Errno> {
    let entries = std::fs::read_dir(dir).map_err(|e| Errno::from_raw(e.raw_os_error().unwrap_or_default()))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    file::read_bounded(path, LONGEST_FILE).with_context(|| format!("cannot read {}", path.display()))
}

fn parsed(text: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(text).flatten().collect()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let found = parsed(&read(path)?);
    match found.is_empty() {
        false => Ok(found),
        true => Err(Error::failed(format!("no certificate in {}", path.display())).because("PEM is expected: -----BEGIN CERTIFICATE-----")),
    }
}

/// `client.cert`, and `client.key` beside it.
fn pair(path: &Path, provider: &CryptoProvider) -> Result<Arc<dyn ResolvesClientCert>> {
    let beside = path.with_extension("key");
    let text = read(&beside).map_err(|e| e.context(format!("{} needs its key beside it", path.display())))?;
    let wrong = |why: String| Error::failed(format!("{} is not the key of {}", beside.display(), path.display())).because(why);
    let key = PrivateKeyDer::from_pem_slice(&text).map_err(|_| wrong("it holds no key in PEM without a password".to_owned()))?;
    let pair = CertifiedKey::from_der(certificates(path)?, key, provider).map_err(|e| wrong(e.to_string()))?;
    Ok(Arc::new(SingleCertAndKey::from(pair)))
}
