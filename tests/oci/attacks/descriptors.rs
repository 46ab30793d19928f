//! What is open in a process of the container, or in a hook, and was the host's.

use super::{Bundle, UPWARDS};
use crate::common::{Report, Victim, archive, eventually, in_vm, program, race_rounds};
use serde_json::json;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Name of every descriptor of a process, by number.
fn open_in(pid: &str) -> Vec<(i32, String)> {
    let dir = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process");
    let name = |entry: std::fs::DirEntry| {
        let to = std::fs::read_link(entry.path()).map(|to| to.display().to_string()).unwrap_or_default();
        (entry.file_name().to_string_lossy().parse().expect("a number"), to)
    };
    let mut all: Vec<_> = dir.map(|entry| name(entry.expect("an entry"))).collect();
    all.sort();
    all
}

/// As descriptors 3 and 4.
fn hand_over(command: &mut Command, file: &File) {
    // SAFETY: numbers; the duplicate lies above those that the command gets.
    let source = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_DUPFD_CLOEXEC, 10) };
    let place = move || {
        // SAFETY: only between fork and exec.
        let placed = [3, 4].into_iter().all(|number| unsafe { libc::dup2(source, number) } == number);
        if placed { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: the function allocates nothing and takes no lock.
    unsafe { command.pre_exec(place) };
}

/// Guards: `preserved` in oci/create.rs for the caller's, `Plan::descriptors` for ours.
#[test]
fn cve_2024_21626_a_created_process_has_no_file_of_the_host_open() {
    for by_detour in [false, true] {
        let mut bundle = Bundle::of(&["sleep", "1000"]);
        bundle.make_detour(by_detour);
        bundle.write();
        let root = File::open("/").expect("the root");
        let mut create = bundle.command("tare", &["create", "one"]);
        hand_over(&mut create, &root);
        assert!(create.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("tare runs").success());
        let pid = bundle.state("one")["pid"].to_string();
        for (fd, name) in open_in(&pid).into_iter().filter(|(fd, _)| *fd > 2) {
            assert!(name.starts_with("socket:") || name.starts_with("/memfd:tare-init"), "descriptor {fd} is {name}");
        }
        bundle.call(&["start", "one"]);
        let numbers: Vec<i32> = open_in(&pid).into_iter().map(|(fd, _)| fd).collect();
        assert_eq!(numbers, [0, 1, 2]);
        bundle.call(&["delete", "--force", "one"]);
    }
}

/// Guard: descriptors are marked to be closed by every exec until the last one (`preserved` in oci/create.rs).
#[test]
fn a_hook_has_its_three_streams_and_nothing_else_open() {
    let mut bundle = Bundle::of(&["/probe"]);
    let script = bundle.dir.join("hook");
    std::fs::write(&script, format!("#!/bin/sh\nls -l /proc/$$/fd > {}/$1\n", bundle.dir.display())).expect("a script");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    std::fs::write(bundle.root("inside"), "#!/bin/sh\nls -l /proc/$$/fd > /startContainer\n").expect("a script");
    std::fs::set_permissions(bundle.root("inside"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    let kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
    for kind in kinds {
        bundle.config["hooks"][kind] = json!([{"path": script, "args": ["hook", kind], "env": ["PATH=/usr/bin:/bin"]}]);
    }
    bundle.config["hooks"]["startContainer"] = json!([{"path": "/inside", "env": ["PATH=/bin"]}]);
    bundle.write();
    let mut run = bundle.command("tare", &["run", "--preserve-fds", "1", "one"]);
    let root = std::fs::File::open("/").expect("the root");
    hand_over(&mut run, &root);
    let run = run.output().expect("tare runs");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let report = Report::parse(&String::from_utf8_lossy(&run.stdout));
    assert_eq!(report.fds().into_keys().collect::<Vec<_>>(), [0, 1, 2, 3], "what was asked for goes to the program");
    for path in kinds.map(|kind| bundle.dir.join(kind)).into_iter().chain([bundle.root("startContainer")]) {
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let names: Vec<&str> = text.lines().filter_map(|line| line.split_once(" -> ")).map(|(_, to)| to).collect();
        // A shell has its script open beside the three, and here its output is the file.
        let own = |name: &&&str| {
            name.ends_with("/hook") || name.ends_with("/inside") || path.ends_with(name.trim_start_matches('/')) && name.len() > 1
        };
        let more = names
            .iter()
            .filter(|name| !name.starts_with("pipe:") && !name.starts_with("/memfd:state") && !name.ends_with("null") && !own(name));
        assert_eq!(more.count(), 0, "{}: {text}", path.display());
    }
    bundle.assert_nothing_left();
}

/// Guards: `enter_directory` in runtime/identity.rs asks where it is; `leave_behind` in runtime/enter.rs.
#[test]
fn cve_2024_21626_no_directory_of_the_host_as_working_directory() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    bundle.write();
    let victim = Victim::new(&bundle.dir);
    let root = File::open("/").expect("the root");
    bundle.call(&["run", "-d", "one"]);
    bundle.config["linux"]["cgroupsPath"] = json!(null);
    bundle.config["process"]["args"] = json!(["sh", "-c", "pwd; cat ../../../../../../etc/passwd"]);
    for dir in (3..=14).flat_map(|fd| [format!("/proc/self/fd/{fd}"), format!("/proc/self/fd/{fd}/{UPWARDS}{}", victim.path())]) {
        bundle.config["process"]["cwd"] = json!(dir);
        bundle.write();
        let exec = ["exec", "--cwd", &dir, "one", "sh", "-c", "pwd; cat ../../../../../../etc/passwd"];
        for words in [&["run", "two"][..], &exec] {
            let mut command = bundle.command("tare", words);
            hand_over(&mut command, &root);
            let ran = command.output().expect("tare runs");
            assert!(!ran.status.success(), "{words:?}, {dir}: {}", String::from_utf8_lossy(&ran.stdout));
            victim.assert_untouched(&dir);
        }
    }
    bundle.call(&["delete", "--force", "one"]);
    bundle.assert_nothing_left();
}

/// A container that looks at everybody who comes in, until it says what it has seen.
fn with_attacker(words: &[&str], mut come_in: impl FnMut(&Bundle, i64) -> bool) -> String {
    let mut bundle = Bundle::of(words);
    let all = json!(["CAP_SYS_PTRACE", "CAP_KILL"]);
    bundle.config["process"]["capabilities"] = json!({"bounding": all, "effective": all, "permitted": all});
    bundle.write();
    let said = bundle.dir.join("said");
    let mut run = bundle.command("tare", &["run", "-d", "one"]);
    assert!(run.stdout(File::create(&said).expect("a file")).status().expect("tare runs").success());
    let read = || std::fs::read_to_string(&said).expect("what it said");
    eventually("the attacker is ready", || read().contains("ready"));
    let pid = bundle.state("one")["pid"].as_i64().expect("a pid");
    let mut entered = 0;
    // It fails when the attacker's time is over.
    while come_in(&bundle, pid) {
        entered += 1;
    }
    assert!(entered > 0, "nothing entered");
    eventually("the attacker has ended", || bundle.status("one") == "stopped");
    bundle.call(&["delete", "one"]);
    bundle.assert_nothing_left();
    read()
}

fn seconds() -> &'static str {
    if in_vm() { "30" } else { "3" }
}

/// Guard: `be_read_only` in oci/exec.rs.
#[test]
fn cve_2019_5736_the_program_cannot_be_opened_for_writing_by_whom_it_enters() {
    let before = archive::sha256(&std::fs::read(program()).expect("the program"));
    let size = std::fs::metadata(program()).expect("the program").len().to_string();
    let mut left = race_rounds();
    while left > 0 {
        let said = with_attacker(&["/probe", "overwrite-exe", seconds(), &size], |bundle, _| {
            left = left.saturating_sub(1);
            bundle.try_call(&["exec", "one", "true"]).code == 0
        });
        assert!(said.contains("breaches 0"), "the host's program was reachable: {said}");
    }
    assert_eq!(archive::sha256(&std::fs::read(program()).expect("the program")), before);
}

/// The same for a container that is made in the pid namespace of another. Guard: `be_read_only` in oci/create.rs.
#[test]
fn cve_2019_5736_the_program_cannot_be_opened_for_writing_by_a_neighbour() {
    let size = std::fs::metadata(program()).expect("the program").len().to_string();
    let mut second = Bundle::of(&["true"]);
    second.without_namespace("pid");
    let usual = second.config["linux"]["namespaces"].as_array().expect("namespaces").clone();
    // On a busy machine the attacker may come too late every time; a race that was never run proves nothing.
    for _ in 0..20 {
        let said = with_attacker(&["/probe", "overwrite-exe", seconds(), &size], |_, pid| {
            let joined = json!({"type": "pid", "path": format!("/proc/{pid}/ns/pid")});
            second.config["linux"]["namespaces"] = usual.iter().cloned().chain([joined]).collect();
            second.write();
            let entered = second.try_call(&["run", "two"]).code == 0;
            second.assert_nothing_left();
            entered
        });
        assert!(said.contains("breaches 0"), "the host's program was reachable: {said}");
        if !said.contains("held 0") {
            return;
        }
    }
    panic!("the attacker never saw the program");
}

/// Guards: `#!/proc/self/exe` starts what is in memory only (`execute` in runtime/identity.rs), never the host's program.
#[test]
fn cve_2019_5736_a_command_that_is_the_runtime_itself() {
    let mut bundle = Bundle::of(&["sleep", "1000"]);
    std::fs::write(bundle.root("evil"), "#!/proc/self/exe --version\n").expect("a file");
    std::fs::set_permissions(bundle.root("evil"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("chmod");
    std::os::unix::fs::symlink("/proc/self/exe", bundle.root("evil2")).expect("a symlink");
    bundle.write();
    bundle.call(&["run", "-d", "one"]);
    bundle.config["linux"]["cgroupsPath"] = json!(null);
    for command in ["/evil", "/evil2", "/proc/self/exe", "/proc/1/exe"] {
        bundle.config["process"]["args"] = json!([command, "--version"]);
        bundle.write();
        for words in [&["run", "two"][..], &["exec", "one", command, "--version"]] {
            let said = bundle.try_call(words);
            assert!(!said.out.contains(env!("CARGO_PKG_VERSION")), "{words:?}: the host's program was run inside: {}", said.out);
        }
    }
    bundle.call(&["delete", "--force", "one"]);
}

/// Guard: `leave_behind` in runtime/enter.rs.
#[test]
fn cve_2024_21626_what_enters_a_container_has_nothing_of_the_host_open() {
    let (mut tries, mut seen) = (0, false);
    // On a busy machine the attacker may come too late every time; a race that was never run proves nothing.
    while !seen {
        tries += 1;
        assert!(tries < 20, "the attacker never saw anything");
        let root = File::open("/").expect("the root");
        let said = with_attacker(&["/probe", "snoop-descriptors", seconds()], |bundle, _| {
            let mut exec = bundle.command("tare", &["exec", "one", "true"]);
            hand_over(&mut exec, &root);
            // Its streams are the caller's by right.
            exec.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("tare runs").success()
        });
        assert!(said.contains("breaches 0"), "{said}");
        seen = said.contains("seen 1");
    }
}
