//! Builds in a machine with cgroup v2: the limits of `build` hold for its steps, and a step that wants too much leaves the rest whole.

use super::store;
use crate::common::Context;

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
