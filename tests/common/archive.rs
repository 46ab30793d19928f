//! Images made by hand: layers entry by entry (as broken or hostile as a test wants), put into the archives that tools write.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;
use tar::{Builder, EntryType, Header};

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("gzip in memory");
    encoder.finish().expect("gzip in memory")
}

/// The text of one layer, as a tar. Names are taken as they are: `..`, absolute, empty, whatever.
pub struct Layer(Builder<Vec<u8>>);

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    pub fn new() -> Self {
        Layer(Builder::new(Vec::new()))
    }

    pub fn header(kind: EntryType, name: &str, mode: u32) -> Header {
        let mut header = Header::new_ustar();
        assert!(name.len() <= 100, "use a PAX record for long names");
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(1_700_000_000);
        header.set_size(0);
        header
    }

    /// An entry as given; its size and checksum are set here.
    pub fn entry(mut self, mut header: Header, data: &[u8]) -> Self {
        header.set_size(data.len() as u64);
        header.set_cksum();
        self.0.append(&header, data).expect("a tar in memory");
        self
    }

    /// An entry whose header is not corrected.
    pub fn raw(mut self, header: &Header, data: &[u8]) -> Self {
        self.0.append(header, data).expect("a tar in memory");
        self
    }

    /// PAX records for the entry that follows.
    pub fn pax(mut self, records: &[(&str, &[u8])]) -> Self {
        self.0.append_pax_extensions(records.iter().copied()).expect("a tar in memory");
        self
    }

    pub fn dir(self, name: &str, mode: u32) -> Self {
        self.entry(Self::header(EntryType::Directory, name, mode), b"")
    }

    pub fn file(self, name: &str, mode: u32, data: impl AsRef<[u8]>) -> Self {
        self.entry(Self::header(EntryType::Regular, name, mode), data.as_ref())
    }

    pub fn owned_file(self, name: &str, mode: u32, owner: (u64, u64), data: &str) -> Self {
        let mut header = Self::header(EntryType::Regular, name, mode);
        header.set_uid(owner.0);
        header.set_gid(owner.1);
        self.entry(header, data.as_bytes())
    }

    pub fn owned_dir(self, name: &str, mode: u32, owner: (u64, u64)) -> Self {
        let mut header = Self::header(EntryType::Directory, name, mode);
        header.set_uid(owner.0);
        header.set_gid(owner.1);
        self.entry(header, b"")
    }

    fn link(self, kind: EntryType, name: &str, target: &str) -> Self {
        let mut header = Self::header(kind, name, 0o777);
        header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
        self.entry(header, b"")
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Symlink, name, target)
    }

    pub fn hard_link(self, name: &str, target: &str) -> Self {
        self.link(EntryType::Link, name, target)
    }

    pub fn fifo(self, name: &str) -> Self {
        self.entry(Self::header(EntryType::Fifo, name, 0o644), b"")
    }

    pub fn device(self, name: &str, kind: EntryType, major: u32, minor: u32) -> Self {
        let mut header = Self::header(kind, name, 0o600);
        header.set_device_major(major).expect("a ustar header");
        header.set_device_minor(minor).expect("a ustar header");
        self.entry(header, b"")
    }

    pub fn tar(self) -> Vec<u8> {
        self.0.into_inner().expect("a tar in memory")
    }
}

/// A plain tar of named files, which every kind of archive is.
pub fn bundle(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut layer = Layer::new();
    for (name, data) in files {
        layer = layer.file(name, 0o644, data);
    }
    layer.tar()
}

/// An image: its config and its layers, uncompressed, bottom first.
#[derive(Clone)]
pub struct Image {
    pub tag: String,
    /// The `config` object of the image's configuration.
    pub config: Value,
    pub architecture: String,
    pub layers: Vec<Vec<u8>>,
}

impl Image {
    pub fn new(tag: &str, layers: Vec<Vec<u8>>) -> Self {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        Image { tag: tag.into(), config: json!({"Cmd": ["sh"]}), architecture: architecture.into(), layers }
    }

    pub fn with_config(mut self, config: Value) -> Self {
        self.config = config;
        self
    }

    /// The configuration's text: its digest is the image's id.
    pub fn config_text(&self) -> Vec<u8> {
        let diff_ids: Vec<String> = self.layers.iter().map(|layer| format!("sha256:{}", sha256(layer))).collect();
        let history: Vec<Value> = self.layers.iter().map(|_| json!({"created_by": "test"})).collect();
        serde_json::to_vec(&json!({
            "architecture": self.architecture, "os": "linux", "created": "2024-01-02T03:04:05Z",
            "config": self.config, "rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history,
        }))
        .expect("json")
    }

    pub fn id(&self) -> String {
        format!("sha256:{}", sha256(&self.config_text()))
    }

    /// As `docker save` wrote it until version 24: a directory for each layer.
    pub fn docker_archive(&self) -> Vec<u8> {
        bundle(&self.docker_files())
    }

    pub fn docker_files(&self) -> Vec<(String, Vec<u8>)> {
        let config = self.config_text();
        let config_name = format!("{}.json", sha256(&config));
        let (mut files, mut names) = (vec![(config_name.clone(), config)], Vec::new());
        for (index, layer) in self.layers.iter().enumerate() {
            // Docker names these directories after v1 ids, which are no digests of the layer.
            let id = sha256(format!("{index}{}", sha256(layer)).as_bytes());
            files.push((format!("{id}/VERSION"), b"1.0".to_vec()));
            files.push((format!("{id}/json"), serde_json::to_vec(&json!({"id": id})).expect("json")));
            files.push((format!("{id}/layer.tar"), layer.clone()));
            names.push(format!("{id}/layer.tar"));
        }
        let manifest = json!([{"Config": config_name, "RepoTags": [self.full_tag()], "Layers": names}]);
        files.push(("manifest.json".into(), serde_json::to_vec(&manifest).expect("json")));
        files
    }

    /// An OCI layout as (name, bytes); `docker` adds the manifest.json that `docker save` writes since version 25.
    pub fn oci_files(&self, compressed: bool, docker: bool) -> Vec<(String, Vec<u8>)> {
        let blob = |bytes: &[u8]| format!("blobs/sha256/{}", sha256(bytes));
        let config = self.config_text();
        let (mut files, mut layers, mut names) =
            (vec![("oci-layout".to_string(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())], vec![], vec![]);
        for layer in &self.layers {
            let (data, kind) = if compressed { (gzip(layer), "tar+gzip") } else { (layer.clone(), "tar") };
            layers.push(json!({"mediaType": format!("application/vnd.oci.image.layer.v1.{kind}"), "digest": format!("sha256:{}", sha256(&data)), "size": data.len()}));
            names.push(blob(&data));
            files.push((blob(&data), data));
        }
        let manifest = serde_json::to_vec(&json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": layers,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": format!("sha256:{}", sha256(&config)), "size": config.len()},
        }))
        .expect("json");
        let index = json!({"schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": format!("sha256:{}", sha256(&manifest)), "size": manifest.len(),
            "annotations": {"org.opencontainers.image.ref.name": self.tag, "io.containerd.image.name": format!("docker.io/library/{}", self.full_tag())},
        }]});
        if docker {
            let words = json!([{"Config": blob(&config), "RepoTags": [self.full_tag()], "Layers": names}]);
            files.push(("manifest.json".into(), serde_json::to_vec(&words).expect("json")));
        }
        files.push((blob(&config), config));
        files.push((blob(&manifest), manifest));
        files.push(("index.json".into(), serde_json::to_vec(&index).expect("json")));
        files
    }

    pub fn oci_archive(&self, compressed: bool) -> Vec<u8> {
        bundle(&self.oci_files(compressed, false))
    }

    pub fn full_tag(&self) -> String {
        if self.tag.contains(':') { self.tag.clone() } else { format!("{}:latest", self.tag) }
    }
}
