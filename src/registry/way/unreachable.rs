//! Why a registry cannot be reached, in words that say what to do.

use crate::error::Error;
use crate::registry::way::http::harmless;
use crate::time;
use rustls::CertificateError;
use rustls::pki_types::UnixTime;
use std::io::ErrorKind;
use ureq::Proxy;
use ureq::http::Uri;

pub fn unreachable(url: &Uri, proxy: Option<&Proxy>, error: &ureq::Error) -> Error {
    let host = url.authority().map(|authority| authority.as_str()).unwrap_or_default();
    let failed = match proxy {
        Some(proxy) => Error::failed(format!("cannot reach {host} by way of the proxy {}:{}", proxy.host(), proxy.port())),
        None => Error::failed(format!("cannot reach {host}")),
    };
    match (error, tls_of(error)) {
        (_, Some(rustls::Error::InvalidCertificate(why))) => untrusted(failed, host, why),
        (_, Some(rustls::Error::InvalidMessage(_))) => failed.because("it does not speak TLS").hint(plain(host)),
        (_, Some(rustls::Error::AlertReceived(alert))) if format!("{alert:?}").to_lowercase().contains("certificate") => {
            let place = format!("client.cert and client.key, in /etc/docker/certs.d/{host}/");
            failed.because(format!("it wants to see a certificate of ours, and says {alert:?}")).hint(place)
        }
        (_, Some(other)) => failed.because(harmless(&other.to_string())),
        (ureq::Error::HostNotFound, _) => unknown(failed),
        // The C library's word for the same.
        (ureq::Error::Io(e), _) if e.to_string().starts_with("failed to lookup address") => unknown(failed),
        (ureq::Error::Timeout(_), _) => failed.because("it does not answer in time"),
        (ureq::Error::Io(e), _) if e.kind() == ErrorKind::ConnectionRefused => failed.because("nobody listens there"),
        (ureq::Error::Io(e), _) => failed.because(harmless(&e.to_string())),
        (ureq::Error::Other(why), _) => failed.because(harmless(&why.to_string())),
        (ureq::Error::ConnectProxyFailed(why), _) => failed.because(harmless(why)),
        (other, _) => failed.because(harmless(&other.to_string())),
    }
}

fn unknown(failed: Error) -> Error {
    failed.because("nobody knows a machine of this name").hint("is the name right, and the network up?")
}

fn tls_of(error: &ureq::Error) -> Option<&rustls::Error> {
    match error {
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

fn untrusted(failed: Error, host: &str, why: &CertificateError) -> Error {
    let day = |moment: &UnixTime| time::rfc3339(moment.as_secs() * 1_000_000_000);
    match why {
        CertificateError::UnknownIssuer => failed.because("nobody whom this machine trusts has signed its certificate").hint(format!(
            "put the certificate of who has into /etc/docker/certs.d/{host}/ca.crt, or name its directory in registries.toml"
        )),
        CertificateError::ExpiredContext { not_after, .. } => {
            failed.because(format!("its certificate was good until {}", day(not_after))).hint("is the clock of this machine right?")
        }
        CertificateError::NotValidYetContext { not_before, .. } => {
            failed.because(format!("its certificate is not good before {}", day(not_before))).hint("is the clock of this machine right?")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<String> = presented.iter().take(10).map(|name| harmless(name)).collect();
            failed.because(match names.is_empty() {
                true => "its certificate names no host at all (subjectAltName)".to_owned(),
                false => format!("its certificate is for another name: {}", names.join(", ")),
            })
        }
        other => failed.because(harmless(&format!("its certificate is not accepted: {other}"))),
    }
}

fn plain(host: &str) -> String {
    format!("if it is meant to be spoken to without TLS: [registry.\"{host}\"] plain-http = true, in registries.toml")
}
