//! Builds in bad weather: killed at any moment, on a disk that is full, from a context that somebody writes to. What was finished is known
//! afterwards, what was not is gone, and nothing runs on.

use super::disk_full::{Part, small_store};
use crate::common::terminal::CTRL_C;
use crate::common::{Context, Random, Running, Store, eventually, in_vm, rounds};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::time::{Duration, Instant};

/// Two stages at once, every kind of step, and words by which the result is judged.
/// Whatever is killed fails its step: a shell would go on behind a `;`.
fn many_kinds<'a>(store: &'a Store, number: usize) -> Context<'a> {
    let text = format!(
        "FROM box AS one\nRUN seq 20000 > /numbers && echo {number} > /number\nRUN --mount=type=cache,target=/c echo x >> /c/log && cat /numbers /numbers > /twice\n\
         FROM box AS two\nCOPY noise /noise\nRUN sha256sum /noise > /sum && dd if=/dev/urandom of=/more bs=64k count=8 2>/dev/null\n\
         FROM box\nCOPY --from=one /number /twice /\nCOPY --from=two /sum /noise /\nWORKDIR /there\nRUN wc -l < /twice > /lines\n"
    );
    Context::new(store, &text).file("noise", noise(300_000, number as u64 + 1))
}

fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn assert_whole(store: &Store, number: usize) {
    let seen = store.ok(&["run", "--rm", "made", "sh", "-c", "cat /number /lines; sha256sum -c /sum; ls -d /there"]);
    assert_eq!(seen, format!("{number}\n40000\n/noise: OK\n/there"));
}

/// The process itself and all below it, parents first.
fn family(pid: i32) -> Vec<i32> {
    let mut all = vec![pid];
    let mut at = 0;
    while at < all.len() {
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", all[at])).unwrap_or_default();
        all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
        at += 1;
    }
    all
}

/// Everybody of a build may be killed: the command, who oversees, a stage, a monitor, the step itself. `within`: how long one takes.
fn kill_one_of(build: &mut Running, random: &mut Random, within: Duration) {
    std::thread::sleep(Duration::from_micros(random.below(within.as_micros() as u64)));
    let family = family(build.pid());
    // Half of the time it is the command, as a person does it.
    let victim = if random.below(2) == 0 { build.pid() } else { family[random.below(family.len() as u64) as usize] };
    if !build.is_over() {
        let _ = kill(Pid::from_raw(victim), Signal::SIGKILL);
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn kill_9_of_anybody_at_any_moment() {
    let store = Store::new();
    let mut random = Random::new();
    let mut whole = many_kinds(&store, 0).build(&[]).took;
    let (rounds, mut cut) = (rounds(20).min(100), 0);
    for number in 1..=rounds {
        let context = many_kinds(&store, number);
        let directory = context.directory.to_str().expect("utf-8").to_owned();
        let mut build = store.start(&["build", "--progress", "plain", "-t", "made", &directory]);
        kill_one_of(&mut build, &mut random, whole);
        let ran = build.wait();
        assert!(!ran.stderr.contains("panicked"), "{}", ran.story());
        cut += usize::from(ran.code != 0);
        eventually(&format!("no step of round {number} runs any more"), || store.names(true).is_empty());
        let again = context.build(&[]);
        assert_eq!(again.code, 0, "round {number}: {}", again.story());
        if ran.code == 0 {
            // It was quicker than the first.
            whole = whole.min(ran.took);
        }
        assert_whole(&store, number);
        assert_eq!(names_in(&store.root.join("unfinished")), Vec::<String>::new(), "round {number}");
        if number % 5 == 0 {
            store.tare(&["system", "check"]);
            assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong", "round {number}");
        }
    }
    eprintln!("{cut} of {rounds} were cut");
    assert!(cut > rounds / 5, "{cut} of {rounds} were cut");
    store.assert_nothing_left();
}

#[test]
fn kill_9_while_results_are_fetched() {
    let one = Store::new();
    let kept = one.dir.join("kept").display().to_string();
    many_kinds(&one, 0).ok(&["--cache-to", &format!("type=local,dest={kept},mode=max")]);
    // All that stands on these has to see their files.
    let more = |store: &Store| {
        let context = many_kinds(store, 0);
        let text = std::fs::read_to_string(context.directory.join("Dockerfile")).expect("its text");
        context.write("Dockerfile", text + "COPY --from=one /numbers /n\nCOPY --from=two /more /m\nRUN cat /n /m > /both\n");
        context.directory.to_str().expect("utf-8").to_owned()
    };
    let other = Store::new();
    let mut random = Random::new();
    let build = |directory: &str| other.start(&["build", "--progress", "plain", "-t", "made", "--cache-from", &kept, directory]);
    let directory = more(&other);
    let mut whole = build(&directory).wait().took;
    let (rounds, mut cut) = (rounds(20).min(100), 0);
    for round in 0..rounds {
        other.ok(&["rmi", "made"]);
        other.ok(&["build", "prune", "-af"]);
        let mut building = build(&directory);
        kill_one_of(&mut building, &mut random, whole);
        let ran = building.wait();
        cut += usize::from(ran.code != 0);
        if ran.code == 0 {
            whole = whole.min(ran.took);
        }
        eventually(&format!("no step of round {round} runs any more"), || other.names(true).is_empty());
        let told = build(&directory).wait();
        assert_eq!(told.code, 0, "round {round}: {}", told.story());
        assert!(!told.stderr.contains("is made here"), "round {round}: {}", told.story());
        assert_whole(&other, 0);
        assert_eq!(names_in(&other.root.join("unfinished")), Vec::<String>::new(), "round {round}");
    }
    other.tare(&["system", "check", "--deep"]);
    assert_eq!(other.ok(&["system", "check", "--deep"]), "Nothing is wrong");
    assert!(cut > rounds / 5, "{cut} of {rounds} were cut");
    other.assert_nothing_left();
}

#[test]
fn a_step_that_fills_the_disk_is_an_error_and_the_rest_stays_known() {
    let (small, store) = small_store(Part::Root);
    let text = "FROM box\nRUN echo first > /first\nCOPY noise /noise\nRUN cat /noise /noise /noise > /more\n";
    let context = Context::new(&store, text).file("noise", noise(2_000_000, 7));
    let (used, _) = small.used();
    let mut failed = 0;
    // Not the first step; not the files of the second, or not their archive; not the third; not what is packed of it; all.
    for room in [24, 600, 2500, 4500, 8000, 11_000, 30_000] {
        small.resize(&format!("size={}k", used + room));
        let ran = context.build(&[]);
        if ran.code != 0 {
            failed += 1;
            assert_eq!(ran.code, 1, "{room} kB: {}", ran.story());
            let said = ran.stderr.lines().filter(|line| line.starts_with("tare: ")).collect::<Vec<_>>();
            let is_named = |line: &&str| line.contains("No space left") || line.contains("ended with code");
            assert!(said.len() == 1 && said.iter().all(is_named) && ran.stderr.contains("No space left"), "{room} kB: {}", ran.story());
            assert_eq!(store.ok(&["images", "-q", "made"]), "");
        }
        small.resize("size=1g");
        assert_eq!(store.names(true), Vec::<String>::new(), "{room} kB");
        assert_eq!(store.ok(&["system", "check"]), "Nothing is wrong", "{room} kB");
        store.ok(&["run", "--rm", "box", "true"]);
        let told = context.ok(&[]);
        assert_eq!(
            store.ok(&["run", "--rm", "made", "sh", "-c", "cat /noise /noise /noise | cmp - /more && cat /first"]),
            "first",
            "{told}"
        );
        store.ok(&["rmi", "made"]);
        store.ok(&["build", "prune", "-af"]);
        eprintln!("{room} kB: {}", ran.stderr.lines().rfind(|line| line.starts_with("tare: ")).unwrap_or("it worked"));
    }
    assert!(failed >= 4, "there was always room enough: {failed} failed");
    store.assert_nothing_left();
}

#[test]
fn a_context_that_is_written_to_is_copied_as_it_was_at_one_moment_or_not_at_all() {
    let store = Store::new();
    let context = Context::new(&store, "FROM box\nCOPY busy /busy\n").file("busy", noise(4_000_000, 1));
    let (path, unfinished) = (context.directory.join("busy"), store.root.join("unfinished"));
    // Each try has a directory of its own.
    let tries = || {
        names_in(&unfinished)
            .iter()
            .map(|work| names_in(&unfinished.join(work)).iter().filter(|name| name.starts_with("step-0-")).count())
            .sum::<usize>()
    };
    let write_until = |is_enough: &(dyn Fn() -> bool + Sync)| {
        use std::os::unix::fs::FileExt;
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the file");
        let mut random = Random::new();
        while !is_enough() {
            file.write_all_at(&random.below(u64::MAX >> 34).to_le_bytes(), random.below(3_999_000)).expect("write to it");
        }
    };
    let over = std::sync::atomic::AtomicBool::new(false);
    let (ran, known) = std::thread::scope(|scope| {
        scope.spawn(|| write_until(&|| over.load(std::sync::atomic::Ordering::Relaxed)));
        let ran = context.build(&[]);
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        (ran, tries())
    });
    assert_eq!((ran.code, known), (1, 0), "{}", ran.story());
    assert!(
        ran.stderr.contains("\"busy\": it was changed while it was copied\nhint: build again when nobody writes there"),
        "{}",
        ran.story()
    );
    // One who is done soon is waited for.
    let ran = std::thread::scope(|scope| {
        let building = scope.spawn(|| {
            let ran = context.build(&[]);
            over.store(true, std::sync::atomic::Ordering::Relaxed);
            ran
        });
        over.store(false, std::sync::atomic::Ordering::Relaxed);
        write_until(&|| tries() >= 2 || over.load(std::sync::atomic::Ordering::Relaxed));
        building.join().expect("it ends")
    });
    assert_eq!(ran.code, 0, "{}", ran.story());
    let sum = crate::common::archive::sha256(&std::fs::read(&path).expect("the file"));
    assert!(store.ok(&["run", "--rm", "made", "sha256sum", "/busy"]).starts_with(&sum));
    store.assert_nothing_left();
}

#[test]
fn who_ends_a_build_does_not_wait_for_those_of_others() {
    let store = Store::new();
    let other = Context::new(&store, "FROM box\nRUN echo begun: yes; sleep 1000\n");
    let another = store.start(&["build", "--progress", "plain", other.directory.to_str().expect("utf-8")]);
    eventually("another build is at work", || another.seen_err().lines().any(|line| line.ends_with(" begun: yes")));
    let own = Context::new(&store, "FROM box\nRUN echo mine; sleep 1000\n");
    let mut person = store.terminal(&["build", own.directory.to_str().expect("utf-8")]);
    eventually("both are", || store.names(false).len() == 2);
    let begun = Instant::now();
    person.send(CTRL_C);
    person.expect("interrupted");
    assert!(!person.child.wait().expect("it ends").success());
    // It looked for five seconds whether any step ran.
    assert!(in_vm() || begun.elapsed() < Duration::from_millis(4900), "{:?}", begun.elapsed());
    assert_eq!(store.names(false).len(), 1, "and the other one goes on");
    another.signal(Signal::SIGINT);
    another.wait();
    store.assert_nothing_left();
}
