//! A small town of machines for one test, each a network namespace: the one that stands for this host, and others on the same street.
//! The machine that runs the tests has no part in it: no interface, rule or route of its own is seen or changed.
//!
//! ```text
//! host     lan0  192.0.2.1  2001:db8::1  ─┐
//! client   lan0  192.0.2.2  2001:db8::2  ─┼─ a switch, which is a namespace as well
//! another  lan0  192.0.2.3  2001:db8::3  ─┘
//! ```
//!
//! A namespace is kept by a process that reads from the test, and ends when nobody can write to it any more: however the test ends.

use super::ordinary::Person;
use super::process::{Ran, Running, run};
use super::test_images::probe;
use super::{Store, eventually, installed, lacking, patience};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Nobody in the town answers there, but the host's way to the rest of the world leads by it.
const ELSEWHERE: (&str, &str) = ("192.0.2.254", "2001:db8::fe");

/// One machine: a network namespace, and what was started in it.
pub struct Machine {
    pub name: String,
    number: usize,
    keeper: Child,
    namespace: File,
    servers: Mutex<Vec<Running>>,
}

pub struct Town {
    pub host: Arc<Machine>,
    switch: Machine,
    machines: Mutex<usize>,
}

impl Town {
    /// `None`: this machine has no tools to build one.
    pub fn new() -> Option<Town> {
        let can = ["ip", "nft", "unshare"].iter().all(|tool| installed(tool) || !lacking(tool));
        can.then(Town::build)
    }

    fn build() -> Town {
        let switch = Machine::new("switch", 0);
        switch.sh("ip link add street type bridge && ip link set street up");
        let host = Arc::new(Machine::new("host", 1));
        let town = Town { host, switch, machines: Mutex::new(1) };
        town.plug(&town.host);
        town.host.sh(&format!("ip route add default via {}; ip -6 route add default via {} dev lan0", ELSEWHERE.0, ELSEWHERE.1));
        town
    }

    /// Another one on the same street.
    pub fn machine(&self, name: &str) -> Machine {
        let mut count = self.machines.lock().expect("the number of machines");
        *count += 1;
        let machine = Machine::new(name, *count);
        self.plug(&machine);
        machine
    }

    /// A store of the host, where its commands run, and whose containers get the network that everybody gets.
    pub fn store(&self) -> Store {
        let mut store = Store::new();
        store.machine = Some(self.host.clone());
        store
    }

    /// The same of an ordinary user.
    pub fn store_of(&self, person: Person) -> Store {
        let mut store = Store::of(person);
        store.machine = Some(self.host.clone());
        store
    }

    fn plug(&self, machine: &Machine) {
        let (switch, number) = (self.switch.keeper.id(), machine.number);
        // Both ends at once: an interface that moves between namespaces makes the kernel wait.
        machine.sh(&format!(
            "ip link add lan0 type veth peer name port{number} netns {switch}
             ip addr add {}/24 dev lan0; ip addr add {}/64 dev lan0; ip link set lan0 up",
            machine.address(),
            machine.address6()
        ));
        self.switch.sh(&format!("ip link set port{number} master street up"));
    }
}

impl Machine {
    fn new(name: &str, number: usize) -> Machine {
        let mut keeper = Command::new("unshare");
        keeper.args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let keeper = keeper.spawn().expect("unshare runs");
        let path = PathBuf::from(format!("/proc/{}/ns/net", keeper.id()));
        let ours = std::fs::read_link("/proc/self/ns/net").expect("a namespace");
        eventually("a machine begins", || std::fs::read_link(&path).is_ok_and(|its| its != ours));
        let namespace = File::open(&path).expect("its namespace");
        let machine = Machine { name: name.to_owned(), number, keeper, namespace, servers: Mutex::default() };
        // An address of IPv6 is there at once, not after a second of asking whether somebody else has it.
        machine.sh("for which in all default; do echo 0 >/proc/sys/net/ipv6/conf/$which/accept_dad; done; ip link set lo up");
        machine
    }

    pub fn address(&self) -> String {
        format!("192.0.2.{}", self.number)
    }

    pub fn address6(&self) -> String {
        format!("2001:db8::{}", self.number)
    }

    /// The command will run here, with everybody's files. It ends when its test does.
    pub fn takes<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let namespace = self.namespace.as_raw_fd();
        // SAFETY: one system call between fork and exec, on a descriptor that is open as long as the machine is there.
        unsafe {
            command.pre_exec(move || match libc::setns(namespace, libc::CLONE_NEWNET) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            })
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        self.takes(&mut command);
        command
    }

    pub fn run(&self, words: &[&str]) -> Ran {
        run(self.command(words), None)
    }

    /// A script that must succeed; what it said. Busybox's shell would take its own `ip`, which knows little: a function goes before it.
    pub fn sh(&self, script: &str) -> String {
        let ip = super::path_of("ip").expect("asked before a town is built");
        self.run(&["sh", "-ec", &format!("ip() {{ {} \"$@\"; }}\n{script}", ip.display())]).ok()
    }

    /// Stays until the machine goes.
    pub fn start(&self, words: &[&str]) {
        let mut command = self.command(words);
        // SAFETY: one system call between fork and exec.
        unsafe {
            command.pre_exec(|| match libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) {
                0 => Ok(()),
                _ => Err(std::io::Error::last_os_error()),
            });
        }
        self.servers.lock().expect("its servers").push(Running::spawn(command));
    }

    /// One that tells who asks.
    pub fn serve(&self, protocol: &str, port: u16) {
        let port = port.to_string();
        self.start(&[probe().to_str().expect("utf-8"), "serve", protocol, &port]);
        let mut servers = self.servers.lock().expect("its servers");
        servers.last_mut().expect("one was started").expect("ready");
    }

    /// What a server there answers to somebody here: `you are 192.0.2.2`, or why it does not: `connect: refused`, `connect: no answer`.
    pub fn ask(&self, protocol: &str, address: &str, port: u16) -> String {
        self.run(&[probe().to_str().expect("utf-8"), "ask", protocol, address, &port.to_string(), "2"]).stdout.trim_end().to_owned()
    }

    /// The same where the server may still be on its way up, and the answer is known.
    pub fn hears(&self, protocol: &str, address: &str, port: u16, answer: &str) {
        let question = format!("{} asks {protocol} {address} {port}", self.name);
        wait_to_hear(&question, answer, || self.ask(protocol, address, port), || self.picture());
    }

    /// Interfaces, addresses, routes and rules, as they should be again when all is over. What only counts, orders, or tells whether
    /// somebody is at the other end of a cable right now, is left out: the kernel changes that in its own time.
    pub fn snapshot(&self) -> String {
        let sorted = |script: &str, line: &dyn Fn(&str) -> String| {
            let mut lines: Vec<String> = self.sh(script).lines().map(line).filter(|line| !line.is_empty()).collect();
            lines.sort();
            lines.join("\n")
        };
        let links = sorted("ip -o link", &|line| {
            let words = line.split_whitespace().collect::<Vec<_>>();
            let name = words[1].split('@').next().expect("a name").trim_end_matches(':');
            let (before, behind) = words.split_at(words.iter().position(|word| *word == "state").unwrap_or(words.len()));
            let lasting = before.iter().skip_while(|word| **word != "mtu").chain(behind.iter().skip(2));
            format!("{name} {}", lasting.copied().collect::<Vec<_>>().join(" "))
        });
        let addresses = sorted("ip -o addr show scope global", &|line| {
            let words = line.split_whitespace().skip(1);
            words.filter(|word| *word != "tentative").collect::<Vec<_>>().join(" ")
        });
        let routes = sorted("ip route; ip -6 route; ip rule; ip -6 rule", &|line| {
            // A bridge has its own when somebody has been at its other end.
            let is_of_the_link_alone = line.starts_with("fe80::/64 dev tare-");
            let words = line.split_whitespace().filter(|word| !is_of_the_link_alone && *word != "linkdown");
            words.collect::<Vec<_>>().join(" ")
        });
        [links, addresses, routes, self.sh("nft list ruleset")].join("\n")
    }

    /// Everything that could say why a packet got lost.
    pub fn picture(&self) -> String {
        self.sh("ip addr; ip route; ip -6 route; ip neigh; ss -lntup; nft list ruleset; exit 0")
    }
}

/// A container's place in a network, as `inspect` tells it.
#[derive(Debug)]
pub struct Place {
    pub address: String,
    pub gateway: String,
    pub address6: String,
    pub gateway6: String,
    pub mac: String,
}

/// What only makes sense for a store in a town.
impl Store {
    pub fn machine(&self) -> &Machine {
        self.machine.as_ref().expect("a store of a town")
    }

    pub fn place(&self, container: &str, network: &str) -> Place {
        let place = &self.inspect(container)["NetworkSettings"]["Networks"][network];
        let text =
            |name: &str| place[name].as_str().unwrap_or_else(|| panic!("no {name} of {container} in {network}: {place:#}")).to_owned();
        Place {
            address: text("IPAddress"),
            gateway: text("Gateway"),
            address6: text("GlobalIPv6Address"),
            gateway6: text("IPv6Gateway"),
            mac: text("MacAddress"),
        }
    }

    /// Somebody in a container asks.
    pub fn ask_from(&self, container: &str, protocol: &str, address: &str, port: u16) -> String {
        let words = ["exec", container, "/probe", "ask", protocol, address, &port.to_string(), "2"];
        self.tare(&words).stdout.trim_end().to_owned()
    }

    pub fn hears_from(&self, container: &str, protocol: &str, address: &str, port: u16, answer: &str) {
        let question = format!("{container} asks {protocol} {address} {port}");
        let picture = || self.ok(&["exec", container, "sh", "-c", "ip addr; ip route; ip -6 route"]) + &self.machine().picture();
        wait_to_hear(&question, answer, || self.ask_from(container, protocol, address, port), picture);
    }

    /// A container of `box` that serves a port, tcp 80 for example.
    pub fn serve(&self, name: &str, flags: &[&str], served: &[&str]) {
        self.ok(&[&["run", "-d", "--name", name], flags, &["box", "/probe", "serve"], served].concat());
    }
}

fn wait_to_hear(question: &str, answer: &str, ask: impl Fn() -> String, picture: impl Fn() -> String) {
    let end = Instant::now() + patience();
    loop {
        let heard = ask();
        if heard == answer {
            return;
        }
        // An answer is an answer; only silence may be too early a question.
        let is_silence = heard.contains(": ") || heard.starts_with("closed") || heard.is_empty();
        assert!(is_silence && Instant::now() < end, "{question}, should hear {answer:?}, and hears {heard:?}\n{}", picture());
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Ok(mut servers) = self.servers.lock() {
            servers.clear();
        }
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
