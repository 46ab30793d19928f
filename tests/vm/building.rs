//! Builds in a machine with cgroup v2: the limits of `build` hold for its steps, and a step that wants too much leaves the rest whole.

use super::store;
use crate::common::Context;
use crate::common::archive::{Layer, gzip};

#[test]
fn a_step_keeps_to_the_limits_of_its_build() {
    let Some(store) = store() else { return };
    let context = Context::new(
        &store,
        "FROM box AS tools\nRUN cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max > /limits; echo tool > /tool\nFROM box\nRUN --mount=type=cache,target=/cache echo x >> /cache/log; cat /cache/log > /seen\nCOPY --from=tools /limits /tool /\n",
    );
    context.ok(&["-m", "64m"]);
    let seen = store.ok(&["run", "--rm", "made", "cat", "/limits", "/tool", "/seen"]);
    assert!(seen.starts_with("67108864\n") && seen.ends_with("tool\nx"), "{seen}");
    store.assert_nothing_left();
}

#[test]
fn a_step_that_wants_too_much_memory_is_ended_and_told() {
    let Some(store) = store() else { return };
    let context = Context::new(&store, "FROM box\nRUN [\"/probe\", \"eat-memory\", \"200\"]\n");
    let told = context.fails(&["-m", "32m", "--memory-swap", "32m"]);
    assert!(told.contains("137"), "{told}");
    context.write("Dockerfile", "FROM box\nRUN true\n");
    context.ok(&["-m", "32m"]);
    store.assert_nothing_left();
}

/// What the host's tests look at one by one, in one build: this kernel and its groups must not make a difference.
#[test]
fn everything_that_a_build_knows_works_here_as_well() {
    let Some(store) = store() else { return };
    let base = Context::new(&store, "FROM box\nONBUILD COPY mine /mine\nONBUILD RUN cat /mine > /triggered\n");
    base.ok(&["-t", "base"]);
    let packed = Layer::new().dir("d/", 0o750).file("d/f", 0o640, "packed").tar();
    let context = Context::new(
        &store,
        "FROM box AS tools\nRUN <<EOF\necho one > /out\necho two >> /out\nEOF\nFROM base\nCOPY --from=tools /out /out\nRUN --mount=type=cache,target=/cache echo x >> /cache/log; wc -l < /cache/log > /count\nRUN --mount=type=secret,id=word test $(wc -c < /run/secrets/word) = 6\nRUN --mount=type=bind,target=/context cat /context/mine > /bound\nADD packed.tar.gz /added/\nCOPY --link <<EOF /linked/file\nlinked\nEOF\n",
    )
    .file("mine", "mine\n")
    .file("packed.tar.gz", gzip(&packed));
    let secret = store.file("secret", "hidden");
    context.ok(&["--secret", &format!("id=word,src={}", secret.display())]);
    let seen = store.ok(&["run", "--rm", "made", "sh", "-c", "cat /triggered /out /count /bound /added/d/f; echo; cat /linked/file"]);
    assert_eq!(seen, "mine\none\ntwo\n1\nmine\npacked\nlinked");
    let again = context.ok(&["--secret", &format!("id=word,src={}", secret.display())]);
    assert!(again.matches("CACHED").count() >= 7, "{again}");
    store.assert_nothing_left();
}
