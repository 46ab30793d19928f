//! An ordinary user calls the runtime himself, with no engine before it: each container gets a user namespace around its own.

use super::bundle::{Bundle, Said};
use crate::common::{Person, eventually, process};
use serde_json::{Value, json};
use std::path::Path;

struct Owned {
    bundle: Bundle,
    person: Person,
}

impl Owned {
    /// As he would begin, with `spec --rootless`; the command sleeps.
    fn by(person: Person) -> Owned {
        let mut owned = Owned { bundle: Bundle::of(&[]), person };
        let file = owned.bundle.dir.join("config.json");
        for path in [&owned.bundle.dir, &owned.bundle.shelf, &owned.bundle.root("tmp")] {
            person.owns(path);
        }
        std::fs::remove_file(&file).expect("a file");
        owned.ok(&["spec", "--rootless"]);
        owned.bundle.config = serde_json::from_str(&std::fs::read_to_string(&file).expect("config.json")).expect("JSON");
        owned.bundle.config["process"]["terminal"] = json!(false);
        owned.bundle.config["root"]["readonly"] = json!(false);
        owned.bundle.config["process"]["args"] = json!(["sleep", "1000"]);
        owned.bundle.write();
        owned
    }

    fn says(&self, words: &[&str]) -> Said {
        let mut command = self.bundle.command("tare", words);
        self.person.takes(&mut command, &self.bundle.dir.join("home"), &[]);
        let ran = process::run(command, None);
        Said { code: ran.code, out: ran.stdout, error: ran.stderr }
    }

    fn ok(&self, words: &[&str]) -> String {
        let said = self.says(words);
        assert_eq!(said.code, 0, "{} as {}: {}", words.join(" "), self.person.called(), said.error);
        said.out.trim().to_owned()
    }

    /// A container that goes on would hold pipes open.
    fn says_to_file(&self, words: &[&str]) {
        let mut command = self.bundle.command("tare", words);
        self.person.takes(&mut command, &self.bundle.dir.join("home"), &[]);
        let file = std::fs::File::create(self.bundle.dir.join("said")).expect("a file");
        let status = command.stdout(file.try_clone().expect("a file")).stderr(file).status().expect("tare runs");
        let said = std::fs::read_to_string(self.bundle.dir.join("said")).expect("a file");
        assert!(status.success(), "{} as {}: {said}", words.join(" "), self.person.called());
    }

    fn state(&self) -> Value {
        serde_json::from_str(&self.ok(&["state", "one"])).expect("JSON")
    }
}

const SCRIPT: &str = "id -u; id -g; cat /proc/self/oom_score_adj; echo mine >/tmp/file && ps | grep -c '[s]leep 1000'";

#[test]
fn a_user_with_one_id_runs_executes_and_removes() {
    let one = Owned::by(Person::single());
    whole_life(&one, (0, 0), "0\n0\n");
    assert_eq!(owner(&one.bundle.root("tmp/file")), one.person.uid);
}

#[test]
fn further_ids_are_those_that_config_json_names() {
    let mut one = Owned::by(Person::with_ranges());
    if !crate::common::installed("newuidmap") {
        let _ = crate::common::lacking("newuidmap");
        return;
    }
    let (own, first) = (one.person.uid, one.person.ids.expect("ranges"));
    let map = json!([{ "containerID": 0, "hostID": own, "size": 1 }, { "containerID": 1, "hostID": first, "size": 65536 }]);
    let config = &mut one.bundle.config;
    (config["linux"]["uidMappings"], config["linux"]["gidMappings"]) = (map.clone(), map);
    config["process"]["user"] = json!({ "uid": 7, "gid": 8, "additionalGids": [9] });
    config["process"]["oomScoreAdj"] = json!(300);
    one.bundle.write();
    let tmp = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(one.bundle.root("tmp"), tmp).expect("a mode");
    whole_life(&one, (first + 6, 300), "7\n8\n");
    assert_eq!(owner(&one.bundle.root("tmp/file")), first + 6);
}

/// `outside`: who the process is for the machine, where that is told by a number, and its score for want of memory.
fn whole_life(one: &Owned, (uid, score): (u32, i32), ids: &str) {
    one.says_to_file(&["create", "one"]);
    assert_eq!(one.state()["status"], "created");
    let pid = one.state()["pid"].to_string();
    one.ok(&["start", "one"]);
    eventually("it sleeps", || proc_file(&pid, "cmdline").starts_with("sleep"));
    let outside = if uid == 0 { one.person.uid } else { uid };
    assert!(proc_file(&pid, "status").contains(&format!("Uid:\t{outside}\t")), "{}", proc_file(&pid, "status"));
    assert_eq!(proc_file(&pid, "oom_score_adj").trim(), score.to_string());
    assert_eq!(one.ok(&["exec", "one", "sh", "-c", SCRIPT]), format!("{ids}{score}\n1"));
    assert_eq!(one.says(&["exec", "one", "sh", "-c", "exit 7"]).code, 7);
    assert!(one.ok(&["ps", "one"]).contains(&pid));
    for words in [&["pause", "one"][..], &["update", "--memory", "1000000", "one"]] {
        assert!(one.says(words).error.contains("it has no control group"), "{words:?}");
    }
    one.ok(&["kill", "one", "KILL"]);
    eventually("it is stopped", || one.state()["status"] == "stopped");
    one.ok(&["delete", "one"]);
    one.bundle.assert_nothing_left();
}

#[test]
fn limits_that_nobody_can_keep_are_refused_and_nothing_is_left() {
    let mut one = Owned::by(Person::single());
    one.bundle.config["linux"]["resources"] = json!({ "memory": { "limit": 64 << 20 } });
    one.bundle.write();
    let said = one.says(&["create", "one"]);
    assert!(said.code == 1 && said.error.contains("none that is yours"), "{}: {}", said.code, said.error);
    let said = one.says(&["--systemd-cgroup", "create", "one"]);
    assert!(said.code == 1 && said.error.contains("no systemd of yours can be reached"), "{}: {}", said.code, said.error);
    one.bundle.assert_nothing_left();
}

#[test]
fn what_he_may_not_do_is_said_with_what_helps() {
    let mut one = Owned::by(Person::single());
    one.bundle.config["linux"]["uidMappings"][0]["hostID"] = json!(5);
    one.bundle.write();
    let said = one.says(&["create", "one"]);
    assert!(said.code == 1 && said.error.contains("/etc/subuid and /etc/subgid give you"), "{}", said.error);
    one.bundle.assert_nothing_left();

    let mut others = Owned::by(Person::single());
    others.bundle.config["linux"]["namespaces"].as_array_mut().expect("a list").retain(|namespace| namespace["type"] != "user");
    others.bundle.write();
    let said = others.says(&["create", "one"]);
    assert!(said.code == 1 && said.error.contains("tare oci spec --rootless writes one"), "{}", said.error);

    others.bundle.assert_nothing_left();

    let root_s = Owned::by(Person::single());
    std::os::unix::fs::chown(&root_s.bundle.shelf, Some(0), Some(0)).expect("an owner");
    let said = root_s.says(&["create", "one"]);
    assert!(said.code == 1 && said.error.contains("take a directory that is, --root DIR"), "{}", said.error);
    root_s.bundle.assert_nothing_left();
}

/// CVE-2019-5736: what he enters with is a copy that nobody can write, and not the program.
#[test]
fn the_program_cannot_be_opened_from_inside() {
    let one = Owned::by(Person::single());
    one.says_to_file(&["create", "one"]);
    one.ok(&["start", "one"]);
    let script = "readlink /proc/*/exe | sort -u; echo x >>/proc/self/exe";
    let said = one.says(&["exec", "one", "sh", "-c", script]);
    assert!(said.code != 0 && !said.out.contains("tare"), "{} {}", said.out, said.error);
    one.ok(&["delete", "--force", "one"]);
}

fn proc_file(pid: &str, name: &str) -> String {
    std::fs::read_to_string(Path::new("/proc").join(pid).join(name)).unwrap_or_default()
}

fn owner(path: &Path) -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path).expect("a file"))
}
