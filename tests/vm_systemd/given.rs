//! In a service or a scope with `Delegate=yes`: what is there is used, and systemd is not asked for more.

use crate::common::process;
use crate::has_systemd;
use crate::user::{User, group_of, read};

#[test]
fn a_group_that_was_given_is_used() {
    if !has_systemd() {
        return;
    }
    let dan = User::new("dan").lingers().with_image();
    let run = "tare run -d --name NAME --network none -m 64m --pids-limit 20 busybox sleep 1000";
    // What started it stays: with it the group would go, and with that the container.
    let stay = |name: &str| format!("{}; sleep 1000", run.replace("NAME", name));
    dan.ok(&format!("systemd-run --user -q --unit mine -p Delegate=yes sh -c '{}'", stay("user")));
    process::tool(&["systemd-run", "-q", "--unit", "theirs", "-p", "User=dan", "-p", "Delegate=yes", "sh", "-c", &stay("system")]).ok();
    for (name, unit) in [("user", "mine.service"), ("system", "theirs.service")] {
        crate::common::eventually("it runs", || {
            dan.says(&format!("tare inspect -f '{{{{.State.Running}}}}' {name}")).stdout.trim() == "true"
        });
        let group = group_of(&dan.pid(name));
        assert!(group.ancestors().nth(2).expect("a unit").ends_with(unit), "{name}: {}", group.display());
        assert_eq!((read(&group, "memory.max"), read(&group, "pids.max")), ((64 << 20).to_string(), "20".into()));
    }
    process::tool(&["systemctl", "stop", "theirs"]).ok();
    crate::common::eventually("it ended with its service", || dan.ok("tare inspect -f '{{.State.Status}}' system") == "exited");
    dan.ok("systemctl --user stop mine");
    dan.ok("tare rm -f user system");
}
