//! A registry that takes what is pushed, and meets those who push as a test wants it to.

use super::archive::sha256;
use super::{Image, Layer, Store};
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What came, without its body.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With its query.
    pub path: String,
    headers: Vec<(String, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
    pub fn length(&self) -> usize {
        self.header("content-length").map_or(0, |length| length.parse().expect("a length"))
    }
    /// `PATCH 0-99`, `PUT blob`: what it was about, without names and numbers that are never the same.
    pub fn short(&self) -> String {
        let what = match self.path.split('?').next().unwrap_or_default() {
            path if path.contains("/blobs/uploads/") => self.header("content-range").unwrap_or("upload").to_owned(),
            path if path.contains("/blobs/") => "blob".to_owned(),
            path => path.rsplit('/').nth(1).unwrap_or_default().to_owned(),
        };
        format!("{} {what}", self.method)
    }
}

/// How it meets somebody.
pub enum Meet {
    /// As a registry should.
    Well,
    /// The body is taken and forgotten.
    Say(u16, Vec<(&'static str, String)>, &'static str),
    /// So many bytes are taken and kept, then the connection ends without an answer.
    Break(usize),
    /// All is done as it should be, and the connection ends without an answer.
    Silence,
}

#[derive(Default)]
pub struct Held {
    pub blobs: HashMap<String, Vec<u8>>,
    /// By their addresses.
    pub manifests: HashMap<String, Vec<u8>>,
    uploads: HashMap<String, Vec<u8>>,
    begun: usize,
}

pub struct Taker {
    pub host: String,
    held: Arc<Mutex<Held>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

type Manners = dyn Fn(&Asked) -> Meet + Send + Sync;

impl Taker {
    pub fn start(manners: impl Fn(&Asked) -> Meet + Send + Sync + 'static) -> Taker {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let taker = Taker { host, held: Default::default(), asked: Default::default(), over: Default::default() };
        let manners: Arc<Manners> = Arc::new(manners);
        let (held, asked, over) = (taker.held.clone(), taker.asked.clone(), taker.over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let (manners, held, asked) = (manners.clone(), held.clone(), asked.clone());
                std::thread::spawn(move || drop(meet(stream, &*manners, &held, &asked)));
            }
        });
        taker
    }

    pub fn held(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// What came since this was asked the last time.
    pub fn news(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Whoever waits for a connection hears of it by one.
        let _ = TcpStream::connect(&self.host);
    }
}

fn meet(stream: TcpStream, manners: &Manners, held: &Mutex<Held>, noted: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let mut lines = reader.by_ref().lines();
    let Some(first) = lines.next() else { return Ok(()) };
    let first = first?;
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
    let headers = lines.map_while(|line| line.ok()?.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()))).collect();
    let asked = Asked { method, path, headers };
    noted.lock().unwrap().push(asked.clone());
    let how = manners(&asked);
    let length = if let Meet::Break(count) = how { count.min(asked.length()) } else { asked.length() };
    let mut body = Vec::new();
    reader.take(length as u64).read_to_end(&mut body)?;
    let (status, headers, text) = match how {
        Meet::Say(status, headers, text) => (status, headers, text.as_bytes().to_vec()),
        Meet::Break(_) => {
            if let Some(upload) = held.lock().unwrap().uploads.get_mut(path_of(&asked)) {
                upload.extend(body);
            }
            return Ok(());
        }
        Meet::Silence => {
            answer(&asked, body, &mut held.lock().unwrap());
            return Ok(());
        }
        Meet::Well => answer(&asked, body, &mut held.lock().unwrap()),
    };
    let mut head = format!("HTTP/1.1 {status} Word\r\nConnection: close\r\n");
    // An answer to HEAD says a length and has no body.
    if status != 204 {
        head += &format!("Content-Length: {}\r\n", text.len());
    }
    head.extend(headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    let text = if asked.method == "HEAD" { Vec::new() } else { text };
    (&stream).write_all(&[head.as_bytes(), b"\r\n", &text].concat())
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

fn path_of(asked: &Asked) -> &str {
    asked.path.split('?').next().unwrap_or_default()
}

fn query<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let query = asked.path.split_once('?')?.1;
    query.split('&').find_map(|one| one.strip_prefix(name)?.strip_prefix('='))
}

/// What must come back as it was said, escapes and all.
const STATE: &str = "a%2Fb%3D";

/// As the specification says. Addresses are relative, and what stands in them must be said again.
fn answer(asked: &Asked, body: Vec<u8>, held: &mut Held) -> Answer {
    let plain = |status| (status, Vec::new(), Vec::new());
    let path = path_of(asked).to_owned();
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    if path == "/v2/" {
        return plain(200);
    }
    if path.contains("/manifests/") {
        return match asked.method.as_str() {
            "PUT" => {
                let digest = format!("sha256:{}", sha256(&body));
                held.manifests.insert(path, body);
                (201, vec![("Docker-Content-Digest", digest)], Vec::new())
            }
            _ => held.manifests.get(&path).map_or(plain(404), |text| (200, Vec::new(), text.clone())),
        };
    }
    let Some((_, upload)) = path.split_once("/blobs/uploads/") else {
        return held.blobs.get(&name).map_or(plain(404), |blob| (200, Vec::new(), blob.clone()));
    };
    if upload.is_empty() {
        if query(asked, "mount").is_some_and(|digest| held.blobs.contains_key(digest)) {
            return plain(201);
        }
        held.begun += 1;
        let address = format!("{path}{}", held.begun);
        held.uploads.insert(address.clone(), Vec::new());
        return (202, vec![("Location", format!("{address}?_state={STATE}"))], Vec::new());
    }
    let Some(there) = held.uploads.get_mut(&path).filter(|_| query(asked, "_state") == Some(STATE)) else { return plain(404) };
    let start = asked.header("content-range").map(|range| range.split_once('-').expect("a range").0.parse::<usize>().expect("a number"));
    if start.is_some_and(|start| start != there.len()) {
        return (416, vec![("Range", format!("0-{}", there.len().saturating_sub(1)))], Vec::new());
    }
    there.extend(body);
    let range = format!("0-{}", there.len().saturating_sub(1));
    let location = format!("{path}?_state={STATE}");
    match asked.method.as_str() {
        "PATCH" => (202, vec![("Location", location), ("Range", range)], Vec::new()),
        "GET" => (204, vec![("Location", location), ("Range", range)], Vec::new()),
        "PUT" => {
            let blob = held.uploads.remove(&path).unwrap_or_default();
            let digest = format!("sha256:{}", sha256(&blob));
            let is_right = query(asked, "digest") == Some(&digest);
            held.blobs.insert(digest, blob);
            plain(if is_right { 201 } else { 400 })
        }
        _ => plain(405),
    }
}

/// Bytes that nobody can pack.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// An image with one large layer and a small one, under this name.
pub fn load_as(store: &Store, name: &str, large: usize) -> Image {
    let layers = vec![Layer::new().file("noise", 0o644, noise(large)).tar(), Layer::new().file("word", 0o644, "pushed\n").tar()];
    let image = Image::new("source:1", layers);
    store.load(&image.docker_archive()).ok();
    store.ok(&["tag", "source:1", name]);
    image
}

pub fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256(bytes))
}

/// All of it is there, byte for byte.
pub fn assert_arrived(registry: &Taker, image: &Image, said: &str) {
    let held = registry.held();
    let manifest = held.manifests.get("/v2/team/app/manifests/1").expect("the manifest");
    assert!(said.ends_with(&format!("1: digest: {} size: {}", digest_of(manifest), manifest.len())), "{said}");
    let manifest: Value = serde_json::from_slice(manifest).expect("JSON");
    assert_eq!(manifest["config"]["digest"], image.id());
    assert_eq!(held.blobs[&image.id()], image.config_text());
    for (layer, described) in image.layers.iter().zip(manifest["layers"].as_array().expect("layers")) {
        assert_eq!(described["digest"], digest_of(layer));
        assert!(held.blobs[&digest_of(layer)] == *layer, "the layer came as it is");
    }
}
