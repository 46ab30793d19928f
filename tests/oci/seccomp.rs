//! System call filters as config.json describes them, up to calls that an agent on the host answers.

use super::agent::Agent;
use super::bundle::Bundle;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

fn filtered(words: &[&str], seccomp: Value) -> Bundle {
    let mut bundle = Bundle::of(words);
    bundle.config["linux"]["seccomp"] = seccomp;
    bundle
}

/// Lets everything pass but these calls, which are the agent's.
fn notified(bundle: &Bundle, calls: &[&str]) -> Value {
    json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": bundle.dir.join("agent"), "listenerMetadata": "for the agent",
        "syscalls": [{"names": calls, "action": "SCMP_ACT_NOTIFY"}]})
}

/// A directory that an agent pretended to make is not there.
const PRETEND: &str = "mkdir /tmp/one && echo made; ls /tmp";
const MKDIR: [i64; 2] = [libc::SYS_mkdir, libc::SYS_mkdirat];

#[test]
fn an_agent_answers_calls_of_the_container_and_of_who_enters_it() {
    // Without new privileges the filter is loaded right before the program, else while much is still to be done.
    for no_new_privileges in [true, false] {
        let mut bundle = Bundle::of(&["sh", "-c", &format!("{PRETEND}; exec sleep 1000")]);
        // Among them all that the runtime itself still needs, and what it would have used to send a descriptor.
        let calls = [
            "mkdir",
            "mkdirat",
            "sendmsg",
            "recvmsg",
            "read",
            "write",
            "prctl",
            "capset",
            "setresuid",
            "setgroups",
            "chdir",
            "getcwd",
            "dup3",
            "fcntl",
            "execve",
            "execveat",
        ];
        bundle.config["linux"]["seccomp"] = notified(&bundle, &calls);
        bundle.config["process"]["noNewPrivileges"] = json!(no_new_privileges);
        bundle.config["annotations"] = json!({"org.example.a": "b"});
        bundle.write();
        let agent = Agent::default().listen(&bundle.dir.join("agent"), &MKDIR);
        bundle.call(&["create", "one"]);
        let pid = bundle.state("one")["pid"].clone();
        assert!(agent.was_told_nothing(), "nothing is filtered before the start");
        bundle.call(&["start", "one"]);
        let told = agent.told(0);
        assert_eq!((&told["fds"], &told["pid"], &told["metadata"]), (&json!(["seccompFd"]), &pid, &json!("for the agent")));
        assert_eq!((&told["ociVersion"], &told["state"]["id"], &told["state"]["pid"]), (&bundle.config["ociVersion"], &json!("one"), &pid));
        assert_eq!((&told["state"]["status"], &told["state"]["annotations"]["org.example.a"]), (&json!("created"), &json!("b")));

        assert_eq!(bundle.call(&["exec", "one", "sh", "-c", PRETEND]), "made\n", "no directory");
        let told = agent.told(1);
        assert_eq!((&told["state"]["status"], &told["state"]["pid"]), (&json!("running"), &pid));
        assert_ne!(told["pid"], pid);
        let asked = agent.asked.lock().expect("a lock").clone();
        assert!(asked.contains_key(&libc::SYS_execve) && !asked.contains_key(&libc::SYS_close), "{asked:?}");
        let first_output = std::fs::read_to_string(bundle.dir.join("stdout")).expect("what it wrote");
        assert!(!first_output.contains("one"), "{first_output}");
        bundle.call(&["delete", "--force", "one"]);
        bundle.assert_nothing_left();
    }
}

#[test]
fn without_its_agent_nothing_starts() {
    let mut bundle = Bundle::of(&["true"]);
    bundle.config["linux"]["seccomp"] = notified(&bundle, &["mkdir", "exit_group"]);
    bundle.write();
    bundle.call(&["create", "one"]);
    bundle.refuses(&["start", "one"], "cannot hand the seccomp filter to the agent at");
    crate::common::eventually("it is stopped", || bundle.status("one") == "stopped");
    bundle.call(&["delete", "one"]);
    bundle.assert_nothing_left();
}

#[test]
fn who_waits_for_an_agent_is_not_interrupted_where_that_was_asked_for() {
    for (flags, undisturbed) in [(json!(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", "SECCOMP_FILTER_FLAG_TSYNC"]), true), (json!([]), false)]
    {
        let mut bundle = Bundle::of(&["sh", "-c", "trap : USR1; umask 077"]);
        bundle.config["linux"]["seccomp"] = notified(&bundle, &["umask"]);
        bundle.config["linux"]["seccomp"]["flags"] = flags.clone();
        bundle.config["linux"]["seccomp"]["architectures"] = json!(["SCMP_ARCH_X86_64", "SCMP_ARCH_PARISC64"]);
        let agent = Agent { signal: libc::SIGUSR1, ..Agent::default() }.listen(&bundle.dir.join("agent"), &[libc::SYS_umask]);
        let mut process = {
            bundle.write();
            bundle.command("tare", &["run", "one"]).spawn().expect("tare runs")
        };
        let lost = || agent.lost.load(Ordering::SeqCst);
        if undisturbed {
            assert!(process.wait().expect("it ends").success());
            assert_eq!(lost(), 0);
        } else {
            // Each signal interrupts the call, which is made again, and again.
            crate::common::eventually("an answer is lost", || lost() > 0);
            bundle.call(&["kill", "one", "KILL"]);
            process.wait().expect("it ends");
        }
    }
}

#[test]
fn what_an_agent_cannot_have_is_refused() {
    let rule = |names: &[&str]| json!([{"names": names, "action": "SCMP_ACT_NOTIFY"}]);
    for (seccomp, words) in [
        (json!({"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/a"}), "SCMP_ACT_NOTIFY for close"),
        (
            json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/a", "syscalls": rule(&["read", "close"])}),
            "SCMP_ACT_NOTIFY for close",
        ),
        (json!({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rule(&["mkdir"])}), "no listenerPath"),
        (json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}), "listenerMetadata"),
        (json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": ["SECCOMP_FILTER_FLAG_FAST"]}), "SECCOMP_FILTER_FLAG_FAST"),
        (json!({"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 5}), "errnoRet"),
    ] {
        let bundle = filtered(&["true"], seccomp);
        bundle.write();
        bundle.refuses(&["create", "one"], words);
        bundle.assert_nothing_left();
    }
    // A path that nobody needs means nothing.
    let bundle = filtered(&["true"], json!({"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/no/agent", "listenerMetadata": "x"}));
    assert!(bundle.run("tare").status.success());
}

#[test]
fn what_is_not_named_gets_the_default_error_number() {
    // EOWNERDEAD, which nothing else answers here.
    let bundle = filtered(
        &["/bin/busybox", "mkdir", "/tmp/one"],
        json!({"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": libc::EOWNERDEAD, "syscalls": [
            {"names": ["execve", "execveat", "brk", "mmap", "munmap", "mprotect", "arch_prctl", "set_tid_address", "set_robust_list", "rseq",
                "prlimit64", "getrandom", "exit_group", "exit", "write", "writev", "read", "close", "fcntl", "dup3", "readlink",
                "readlinkat", "openat", "fstat", "newfstatat", "getuid", "geteuid", "getgid", "getegid", "prctl", "uname", "umask"],
                "action": "SCMP_ACT_ALLOW"},
            {"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}),
    );
    let ran = bundle.run("tare");
    let error = String::from_utf8_lossy(&ran.stderr);
    assert!(error.contains("/tmp/one") && error.contains("Owner died"), "{error}");
}

/// The one flag that the kernel tells of again (ptrace(2), PTRACE_SECCOMP_GET_METADATA).
#[test]
fn a_filter_is_logged_only_where_that_was_asked_for() {
    const SEIZE: libc::c_uint = 0x4206;
    const INTERRUPT: libc::c_uint = 0x4207;
    const SECCOMP_GET_METADATA: libc::c_uint = 0x420d;
    const FLAG_LOG: u64 = 2;
    for (flags, logged) in
        [(json!(["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]), true), (json!([]), false), (Value::Null, false)]
    {
        let bundle = filtered(&["sleep", "1000"], json!({"defaultAction": "SCMP_ACT_ALLOW", "flags": flags}));
        bundle.write();
        bundle.call(&["create", "one"]);
        bundle.call(&["start", "one"]);
        let pid = bundle.state("one")["pid"].as_i64().expect("a pid") as i32;
        let mut metadata = [0u64; 2];
        unsafe {
            assert_eq!(libc::ptrace(SEIZE as _, pid, 0, 0), 0, "seize: {}", std::io::Error::last_os_error());
            libc::ptrace(INTERRUPT as _, pid, 0, 0);
            libc::waitpid(pid, std::ptr::null_mut(), libc::__WALL);
            let got = libc::ptrace(SECCOMP_GET_METADATA as _, pid, size_of_val(&metadata), metadata.as_mut_ptr());
            assert!(got > 0, "metadata: {}", std::io::Error::last_os_error());
            libc::ptrace(libc::PTRACE_DETACH, pid, 0, 0);
        }
        assert_eq!(metadata[1] & FLAG_LOG != 0, logged, "{flags}");
        bundle.call(&["delete", "--force", "one"]);
    }
}
