//! Promises about `tare inspect`, made over records.

use super::*;
use crate::cli::template::Template;
use crate::options::{Limits, Network};
use crate::paths::Paths;
use crate::record::{Container, Live};
use crate::spec::runtime_spec::{Facts, runtime_spec};

fn image() -> ImageWords {
    ImageWords {
        entrypoint: vec!["/e".into()],
        cmd: vec!["c".into()],
        env: vec!["A=1".into()],
        volumes: vec!["/data".into()],
        ..ImageWords::default()
    }
}

fn seen(wishes: Wishes) -> Seen {
    let record = Container {
        id: "f".repeat(64),
        name: "web".into(),
        image: "alpine".into(),
        image_id: "sha256:feed".into(),
        layers: Vec::new(),
        created: 1_763_708_529_000_000_000,
        hostname: "box".into(),
        args: vec!["/e".into(), "c".into()],
        user: "nobody".into(),
        stop_signal: "SIGTERM".into(),
        labels: vec![("a.b".into(), "c".into())],
        reaper: true,
        launched: false,
        wishes,
        ended: Some(Ended { exit_code: 137, started: 1, finished: 2, out_of_memory: true, ..Ended::default() }),
    };
    Seen { record, live: None, status: Status::Exited }
}

fn inspected(seen: &Seen) -> Value {
    let files = ContainerPaths::new(&Paths::new("/store", "/run"), &seen.record.id, false);
    let facts = Facts { lower: vec!["/l1".into()], upper: "/u".into(), work: "/w".into(), ..Facts::default() };
    let spec = runtime_spec(&seen.record.wishes, &image(), &facts).unwrap();
    value(seen, Some(&spec), Some(&image()), &files)
}

fn render(template: &str, value: &Value) -> String {
    Template::new(template).unwrap().render(value).unwrap()
}

#[test]
fn the_usual_questions_have_answers() {
    let made = inspected(&seen(Wishes::default()));
    for (template, expected) in [
        ("{{.Id}}", "f".repeat(64).as_str()),
        ("{{.Name}} {{.Image}} {{.Config.Image}}", "/web sha256:feed alpine"),
        ("{{.State.Status}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.Running}} {{.State.Pid}}", "exited 137 true false 0"),
        ("{{.State.StartedAt}}", "1970-01-01T00:00:00.000000001Z"),
        ("{{.Path}} {{.Args}} {{.Config.Entrypoint}} {{.Config.Cmd}}", "/e [c] [/e] [c]"),
        ("{{index .Config.Labels \"a.b\"}} {{json .Config.Env}}", "c [\"A=1\"]"),
        ("{{.HostConfig.NetworkMode}} {{.HostConfig.Memory}} {{range $n, $v := .NetworkSettings.Networks}}{{$n}}{{end}}", "none 0 none"),
        ("{{.GraphDriver.Data.LowerDir}} {{.LogPath}}", &format!("/l1 /store/container/{}/log", "f".repeat(64))),
    ] {
        assert_eq!(render(template, &made), expected, "{template}");
    }
}

#[test]
fn a_running_container_has_not_ended() {
    let live = Live { pid: 5, monitor: 4, pid_started: 1, started: 7, ..Live::default() };
    let made = inspected(&Seen { live: Some(live), status: Status::Running, ..seen(Wishes::default()) });
    let template = "{{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.StartedAt}}";
    assert_eq!(render(template, &made), "true 5 0 false 1970-01-01T00:00:00.000000007Z");
}

#[test]
fn wishes_are_shown_as_they_count() {
    let bind = crate::options::mounts::parse_volume("/a:/b:ro,rslave", std::path::Path::new("/")).unwrap().mount;
    let tmpfs = crate::options::mounts::parse_tmpfs("/t:size=1m").unwrap();
    let limits = Limits { memory: Some(100), pids: Some(5), ..Limits::default() };
    let ulimits = vec![crate::options::ulimits::parse("core=0:-1").unwrap()];
    let made = inspected(&seen(Wishes {
        mounts: vec![bind, tmpfs],
        limits,
        ulimits,
        network: Network::Host,
        no_new_privileges: true,
        ..Wishes::default()
    }));
    let host = &made["HostConfig"];
    assert_eq!((&host["Binds"][0], &host["Tmpfs"]["/t"]), (&json!("/a:/b:ro,rslave"), &json!("size=1m")));
    assert_eq!((&host["Memory"], &host["MemorySwap"], &host["PidsLimit"]), (&json!(100), &json!(200), &json!(5)));
    assert_eq!((&host["Ulimits"][0]["Hard"], &host["SecurityOpt"][0]), (&json!(-1), &json!("no-new-privileges")));
    assert_eq!((&made["Mounts"][0]["RW"], &made["Mounts"][1]["Type"]), (&json!(false), &json!("tmpfs")));
}

#[test]
fn a_removed_image_leaves_what_is_known() {
    let files = ContainerPaths::new(&Paths::new("/store", "/run"), "x", false);
    let made = value(&seen(Wishes { env: vec!["B=2".into()], ..Wishes::default() }), None, None, &files);
    assert_eq!((&made["Config"]["Env"], &made["Config"]["Cmd"]), (&json!(["B=2"]), &json!(["/e", "c"])));
}
