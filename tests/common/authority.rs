//! A certificate authority for one test, and what it signs; made by openssl.

use super::process::tool;
use std::path::{Path, PathBuf};

pub struct Authority {
    dir: PathBuf,
}

/// A certificate and its key, as files.
pub struct Signed {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Signed {
    /// What stands below `http:` in the configuration of a registry that shows it.
    pub fn in_configuration(&self) -> String {
        format!("  tls: {{ certificate: {}, key: {} }}", self.certificate.display(), self.key.display())
    }
}

impl Authority {
    /// In a directory of the test.
    pub fn new(dir: &Path) -> Authority {
        std::fs::create_dir_all(dir).expect("a directory");
        let authority = Authority { dir: dir.to_owned() };
        let signed = authority.files("ca");
        authority.self_signed(&signed, "tests", &[]);
        authority
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.files("ca").certificate
    }

    /// `names`: `IP:127.0.0.1`, `DNS:registry.example`. It is good for so many days, 0 of them being over in a moment.
    pub fn sign(&self, file: &str, names: &str, days: u32) -> Signed {
        let signed = self.files(file);
        let request = self.dir.join(format!("{file}.csr"));
        let extensions = self.dir.join(format!("{file}.ext"));
        std::fs::write(&extensions, format!("subjectAltName={names}\nextendedKeyUsage=serverAuth,clientAuth\n")).expect("a file");
        let ca = self.files("ca");
        openssl(&[&["req", "-subj", "/CN=signed", "-keyout", path(&signed.key), "-out", path(&request)], NEW_KEY].concat());
        openssl(&[
            "x509",
            "-req",
            "-CAcreateserial",
            "-CA",
            path(&ca.certificate),
            "-CAkey",
            path(&ca.key),
            "-days",
            &days.to_string(),
            "-extfile",
            path(&extensions),
            "-in",
            path(&request),
            "-out",
            path(&signed.certificate),
        ]);
        signed
    }

    /// As Docker's own manual makes one for a registry: an authority and a server in one.
    pub fn both_in_one(&self, file: &str, names: &str) -> Signed {
        let signed = self.files(file);
        self.self_signed(&signed, "both", &["-addext", &format!("subjectAltName={names}")]);
        signed
    }

    fn self_signed(&self, signed: &Signed, name: &str, further: &[&str]) {
        let subject = format!("/CN={name}");
        let words = ["req", "-x509", "-days", "2", "-subj", &subject, "-keyout", path(&signed.key), "-out", path(&signed.certificate)];
        openssl(&[&words, NEW_KEY, further].concat());
    }

    fn files(&self, name: &str) -> Signed {
        Signed { certificate: self.dir.join(format!("{name}.crt")), key: self.dir.join(format!("{name}.key")) }
    }
}

const NEW_KEY: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

fn path(path: &Path) -> &str {
    path.to_str().expect("utf-8")
}

fn openssl(words: &[&str]) {
    tool(&[&["openssl"], words].concat()).ok();
}
