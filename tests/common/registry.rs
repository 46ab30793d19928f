//! Registries for tests: a real one, and one that answers as a test wants it to, also wrongly.

use super::archive::{gzip, sha256};
use super::process::tool;
use super::{Image, fresh_directory, image_dir, installed, lacking, leftovers};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Debian's `docker-registry`, on loopback.
pub struct Registry {
    /// `127.0.0.1:PORT`
    pub host: String,
    pub dir: PathBuf,
    child: Child,
}

impl Registry {
    /// `settings`: what stands in its configuration beside storage and address, given its directory. `None`: it is not installed.
    pub fn start(http: impl FnOnce(&PathBuf) -> String, further: impl FnOnce(&PathBuf) -> String) -> Option<Registry> {
        if !installed("docker-registry") {
            let _ = lacking("docker-registry (apt-get install docker-registry)");
            return None;
        }
        let dir = fresh_directory(&std::env::temp_dir(), "tare-registry");
        let host = format!("127.0.0.1:{}", free_port());
        let text = format!(
            "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: {0}/data }} }}\nhttp:\n  addr: {host}\n{1}\n{2}\n",
            dir.display(),
            http(&dir),
            further(&dir)
        );
        std::fs::write(dir.join("config.yml"), text).unwrap();
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(dir.join("config.yml"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let registry = Registry { host, dir, child };
        super::eventually("the registry listens", || TcpStream::connect(&registry.host).is_ok());
        Some(registry)
    }

    /// With this image, which `me:secret` brings, if anybody wants to know who brings it.
    pub fn fill(&self, name: &str) {
        let archive = format!("docker-archive:{}", image_dir().join("busybox.tar").display());
        let name = format!("docker://{}/{name}", self.host);
        tool(&["skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds", "me:secret", &archive, &name]).ok();
    }

    pub fn plain() -> Option<Registry> {
        Registry::start(|_| String::new(), |_| String::new())
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = leftovers::remove_tree(&self.dir);
    }
}

/// Free a moment ago; whoever takes it meanwhile makes the test fail clearly.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The connection ends after so many bytes of the body.
    pub cut: Option<usize>,
    /// The body never ends.
    pub endless: bool,
    pub manner: Manner,
}

/// How an answer is said.
#[derive(Clone, Debug, Default)]
pub enum Manner {
    #[default]
    Plain,
    Chunked,
    /// With this Content-Length, however long the body is.
    Announced(String),
    /// So many bytes of the body, then a pause, and so on.
    Slowly(usize, Duration),
    /// One header line after the other, with a pause between them.
    EndlessHeader(Duration),
    /// The body is all that goes over the wire.
    Raw,
    /// After the body the connection stays open, and nothing comes any more.
    Silence,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer { status, headers: Vec::new(), body: body.into(), cut: None, endless: false, manner: Manner::Plain }
    }
    pub fn said(self, manner: Manner) -> Answer {
        Answer { manner, ..self }
    }
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Answer {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// A registry made of one function.
pub struct Strange {
    pub host: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Strange {
    pub fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Strange {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let (asked, over): (Arc<Mutex<Vec<Asked>>>, Arc<AtomicBool>) = Default::default();
        let answer: Arc<dyn Fn(&Asked) -> Answer + Send + Sync> = Arc::new(answer);
        let (noted, is_over) = (asked.clone(), over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (answer, noted, is_over) = (answer.clone(), noted.clone(), is_over.clone());
                std::thread::spawn(move || serve(stream, &*answer, &noted, &is_over));
            }
        });
        Strange { host, asked, over }
    }

    /// A registry as it should be, with one image `team/app:1`; `change` may answer otherwise.
    pub fn with(image: &Served, change: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Strange {
        let image = image.clone();
        Strange::start(move |asked| change(asked).unwrap_or_else(|| image.answer(asked)))
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Strange {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // Whoever waits for a connection hears of it by one.
        let _ = TcpStream::connect(&self.host);
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(&Asked) -> Answer, noted: &Mutex<Vec<Asked>>, is_over: &AtomicBool) {
    let mut reader = BufReader::new(&stream);
    let mut lines = reader.by_ref().lines();
    let Some(Ok(first)) = lines.next() else { return };
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
    let headers = lines.by_ref().map_while(|line| line.ok()?.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut asked = Asked { method, path, headers: headers.collect(), body: Vec::new() };
    let length = asked.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let _ = reader.take(length).read_to_end(&mut asked.body);
    noted.lock().unwrap().push(asked.clone());
    let _ = say(&answer(&asked), stream, is_over);
}

fn say(answer: &Answer, mut stream: TcpStream, is_over: &AtomicBool) -> std::io::Result<()> {
    let pause = |time: Duration| {
        let end = Instant::now() + time;
        while Instant::now() < end && !is_over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(10).min(time));
        }
    };
    let body = &answer.body[..answer.cut.unwrap_or(answer.body.len())];
    if let Manner::Raw = answer.manner {
        return stream.write_all(body);
    }
    let mut head = format!("HTTP/1.1 {} Word\r\nConnection: close\r\n", answer.status);
    match &answer.manner {
        Manner::Chunked => head += "Transfer-Encoding: chunked\r\n",
        Manner::Announced(length) => head += &format!("Content-Length: {length}\r\n"),
        _ if answer.endless => {}
        _ => head += &format!("Content-Length: {}\r\n", answer.body.len()),
    }
    head.extend(answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")));
    stream.write_all(head.as_bytes())?;
    while let Manner::EndlessHeader(time) = answer.manner {
        if is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        stream.write_all(b"X-More: and more\r\n")?;
        pause(time);
    }
    stream.write_all(b"\r\n")?;
    match answer.manner {
        Manner::Chunked => {
            for part in body.chunks(1000) {
                stream.write_all(&[format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        Manner::Slowly(count, time) => {
            for part in body.chunks(count) {
                stream.write_all(part)?;
                pause(time);
            }
        }
        _ => stream.write_all(body)?,
    }
    while answer.endless && !is_over.load(Ordering::Relaxed) {
        stream.write_all(&[b' '; 4096])?;
        std::thread::sleep(Duration::from_micros(200));
    }
    while matches!(answer.manner, Manner::Silence) && !is_over.load(Ordering::Relaxed) {
        pause(Duration::from_secs(1));
    }
    Ok(())
}

/// An image as a registry gives it.
#[derive(Clone)]
pub struct Served {
    pub manifest: Vec<u8>,
    pub config: Vec<u8>,
    pub layer: Vec<u8>,
}

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

impl Served {
    /// Of one layer.
    pub fn new(layer: Vec<u8>) -> Served {
        let image = Image::new("team/app:1", vec![layer.clone()]);
        Served::of(image.config_text(), gzip(&layer))
    }

    pub fn of(config: Vec<u8>, layer: Vec<u8>) -> Served {
        let describe = |kind: &str, bytes: &[u8]| serde_json::json!({ "mediaType": kind, "digest": format!("sha256:{}", sha256(bytes)), "size": bytes.len() });
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": describe("application/vnd.oci.image.config.v1+json", &config),
            "layers": [describe("application/vnd.oci.image.layer.v1.tar+gzip", &layer)],
        });
        Served { manifest: manifest.to_string().into_bytes(), config, layer }
    }

    pub fn is_layer(&self, asked: &Asked) -> bool {
        asked.path.ends_with(&sha256(&self.layer))
    }

    pub fn answer(&self, asked: &Asked) -> Answer {
        let digest = |bytes: &[u8]| asked.path.ends_with(&sha256(bytes));
        match asked.path.as_str() {
            "/v2/" => Answer::new(200, "{}"),
            "/v2/team/app/manifests/1" => Answer::new(200, self.manifest.clone()).with("Content-Type", MANIFEST),
            path if path.contains("/manifests/") && digest(&self.manifest) => {
                Answer::new(200, self.manifest.clone()).with("Content-Type", MANIFEST)
            }
            path if path.contains("/blobs/") && digest(&self.config) => Answer::new(200, self.config.clone()),
            path if path.contains("/blobs/") && digest(&self.layer) => self.part_of_layer(asked),
            _ => Answer::new(404, r#"{"errors":[{"code":"NAME_UNKNOWN","message":"not here"}]}"#),
        }
    }

    /// All of it, or from where it is asked for.
    pub fn part_of_layer(&self, asked: &Asked) -> Answer {
        match asked.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok()) {
            None => Answer::new(200, self.layer.clone()),
            Some(from) => Answer::new(206, &self.layer[from..])
                .with("Content-Range", format!("bytes {from}-{}/{}", self.layer.len() - 1, self.layer.len())),
        }
    }
}
