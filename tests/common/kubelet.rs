//! A kubelet in small: it asks containerd for pods as a Kubernetes node does, over the CRI socket. The few messages that it
//! needs are written by hand (protobuf: a field's number and kind, its length, its bytes), and curl carries them as gRPC.

use super::drivers::Containerd;
use super::test_images::box_image;
use super::world::{NETWORK, from_readme};
use super::{Image, eventually};
use serde_json::json;

/// A message, field by field.
#[derive(Default, Clone)]
pub struct Message(Vec<u8>);

impl Message {
    pub fn bytes(mut self, field: u8, value: &[u8]) -> Message {
        self.0.push(field << 3 | 2);
        self.length(value.len() as u64);
        self.0.extend(value);
        self
    }

    pub fn text(self, field: u8, value: &str) -> Message {
        self.bytes(field, value.as_bytes())
    }

    pub fn texts(self, field: u8, values: &[&str]) -> Message {
        values.iter().fold(self, |message, value| message.text(field, value))
    }

    pub fn message(self, field: u8, value: Message) -> Message {
        self.bytes(field, &value.0)
    }

    pub fn number(mut self, field: u8, value: u64) -> Message {
        self.0.push(field << 3);
        self.length(value);
        self
    }

    /// Seven bits at a time, the lowest first.
    fn length(&mut self, mut value: u64) {
        while value > 127 {
            self.0.push(value as u8 | 128);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// What a field holds: bytes, or a number's lowest byte; nothing where it is not there.
    pub fn get(&self, wanted: u8) -> Vec<u8> {
        let mut rest = self.0.iter().copied();
        let number = |rest: &mut dyn Iterator<Item = u8>| {
            let mut value = 0usize;
            for shift in (0..).step_by(7) {
                let byte = rest.next().expect("a whole number");
                value |= usize::from(byte & 127) << shift;
                if byte < 128 {
                    break;
                }
            }
            value
        };
        while let Some(tag) = rest.next() {
            let value = number(&mut rest);
            let bytes = if tag & 7 == 2 { rest.by_ref().take(value).collect() } else { vec![value as u8] };
            if tag >> 3 == wanted {
                return bytes;
            }
        }
        Vec::new()
    }

    pub fn get_text(&self, field: u8) -> String {
        String::from_utf8_lossy(&self.get(field)).into_owned()
    }
}

pub struct Kubelet {
    pub containerd: Containerd,
}

/// A pod: its sandbox, and what containers of it must name again.
pub struct Pod {
    pub id: String,
    config: Message,
}

impl Kubelet {
    /// `settings`: further lines for the part of containerd's configuration that is for Kubernetes.
    pub fn new(settings: &str) -> Option<Kubelet> {
        let part = "plugins.\"io.containerd.grpc.v1.cri\"";
        let containerd = Containerd::new(|world| {
            let networks = world.path("networks");
            std::fs::create_dir(&networks).expect("a directory");
            let network = json!({ "cniVersion": "0.4.0", "name": "pods", "plugins": [{
                "type": "bridge", "isGateway": true, "ipam": { "type": "host-local", "subnet": format!("{NETWORK}3.0/24") },
            }] });
            std::fs::write(format!("{networks}/10-pods.conflist"), network.to_string()).expect("a file");
            format!(
                "[{part}]\nsandbox_image = \"{}\"\n{settings}\n[{part}.cni]\nbin_dir = \"/usr/lib/cni\"\nconf_dir = {networks:?}\n",
                PAUSE
            )
        })?;
        // What waits in a pod. Kubernetes has a program of its own for that.
        let pause = Image { tag: "pause".into(), ..box_image() }.with_config(json!({ "Cmd": ["sleep", "100000"] }));
        std::fs::write(containerd.world.path("pause.tar"), pause.docker_archive()).expect("a file");
        for archive in [containerd.world.path("pause.tar"), super::world::busybox_archive()] {
            containerd.ok(&["--namespace", "k8s.io", "image", "import", &archive]);
        }
        let kubelet = Kubelet { containerd };
        // NetworkReady is the second of its two conditions.
        let status =
            || kubelet.ask("Status", &Message::default()).is_ok_and(|status| status.get_text(1).contains("NetworkReady\u{10}\u{1}"));
        eventually("containerd is ready for pods", status);
        Some(kubelet)
    }

    pub fn ask(&self, method: &str, message: &Message) -> Result<Message, String> {
        let world = &self.containerd.world;
        let framed = [&[0][..], &(message.0.len() as u32).to_be_bytes(), &message.0].concat();
        let [question, answer, headers, socket] = ["question", "answer", "headers", "sock"].map(|name| world.path(name));
        std::fs::write(&question, framed).expect("a file");
        let mut words = vec!["curl", "-sS", "--http2-prior-knowledge", "--unix-socket", &socket, "-o", &answer, "-D", &headers];
        words.extend(["-H", "content-type: application/grpc", "-H", "te: trailers"]);
        let (data, url) = (format!("@{question}"), format!("http://localhost/runtime.v1.RuntimeService/{method}"));
        let carried = world.run(world.command(&[&words[..], &["--data-binary", &data, &url]].concat()));
        let headers = std::fs::read_to_string(&headers).unwrap_or_default();
        match carried.code == 0 && headers.lines().any(|line| line.trim() == "grpc-status: 0") {
            true => Ok(Message(std::fs::read(&answer).expect("an answer").split_off(5))),
            false => Err(format!("{}{headers}", carried.story())),
        }
    }

    pub fn call(&self, method: &str, message: &Message) -> Message {
        self.ask(method, message).unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// With the runtime that the README's RuntimeClass names.
    pub fn run_pod(&self, name: &str) -> Pod {
        let class = from_readme("apiVersion: node.k8s.io/v1\nkind: RuntimeClass", &[]);
        let handler = class.lines().find_map(|line| line.strip_prefix("handler: ")).expect("a handler");
        let group = Message::default().text(1, &self.containerd.world.group);
        let metadata = Message::default().text(1, name).text(2, name).text(3, "default");
        let logs = self.containerd.world.path("logs");
        let config = Message::default().message(1, metadata).text(2, name).text(3, &logs).message(8, group);
        let made = self.call("RunPodSandbox", &Message::default().message(1, config.clone()).text(2, handler));
        Pod { id: made.get_text(1), config }
    }

    /// Returns its id. `resources`: LinuxContainerResources.
    pub fn start(&self, pod: &Pod, name: &str, words: &[&str], resources: Message) -> String {
        let image = Message::default().text(1, super::drivers::BUSYBOX);
        let config = Message::default().message(1, Message::default().text(1, name)).message(2, image).texts(3, words);
        let config = config.text(11, &format!("{name}.log")).message(15, Message::default().message(1, resources));
        let question = Message::default().text(1, &pod.id).message(2, config).message(3, pod.config.clone());
        let id = self.call("CreateContainer", &question).get_text(1);
        self.call("StartContainer", &Message::default().text(1, &id));
        id
    }

    /// Exit code and output.
    pub fn exec(&self, id: &str, words: &[&str]) -> (u8, String) {
        let told = self.call("ExecSync", &Message::default().text(1, id).texts(2, words).number(3, 60));
        (told.get(3).first().copied().unwrap_or(0), told.get_text(1))
    }

    pub fn remove(&self, pod: &Pod) {
        self.call("StopPodSandbox", &Message::default().text(1, &pod.id));
        self.call("RemovePodSandbox", &Message::default().text(1, &pod.id));
    }
}

const PAUSE: &str = "docker.io/library/pause:latest";
