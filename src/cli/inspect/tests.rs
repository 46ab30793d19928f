//! Promises about `tare inspect`, made over records.

use super::*;
use crate::cli::template::Template;
use crate::options::networks::{self, Mac};
use crate::options::ports::{self, Protocol};
use crate::options::{Limits, Network};
use crate::paths::Paths;
use crate::record::network::{Endpoint, Joined, Published};
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
        owners: None,
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
    value(seen, Some(&spec), Some(&image()), &files, &Joined::default())
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
    let made = value(&seen(Wishes { env: vec!["B=2".into()], ..Wishes::default() }), None, None, &files, &Joined::default());
    assert_eq!((&made["Config"]["Env"], &made["Config"]["Cmd"]), (&json!(["B=2"]), &json!(["/e", "c"])));
}

#[test]
fn networks_and_ports_are_where_docker_s_users_look_for_them() {
    let network = Network::Networks(networks::parse("name=backend,alias=db,ip=10.208.0.5").unwrap());
    let ports = ports::parse("127.0.0.1:8080:80").unwrap();
    let mut seen = seen(Wishes { network, ports, exposed: vec!["80/tcp".into(), "90/udp".into()], ..Wishes::default() });
    let resting = inspected(&seen);
    assert_eq!(
        render("{{.HostConfig.NetworkMode}} {{json .HostConfig.PortBindings}}", &resting),
        r#"backend {"80/tcp":[{"HostIp":"127.0.0.1","HostPort":"8080"}]}"#
    );
    assert_eq!(
        render("{{json .NetworkSettings.Ports}} {{.NetworkSettings.Networks.backend.IPAMConfig.IPv4Address}}", &resting),
        "{} 10.208.0.5"
    );
    seen.live = Some(Live { pid: 5, ..Live::default() });
    let endpoint = Endpoint {
        network: "backend".into(),
        network_id: "n1".into(),
        interface: "eth0".into(),
        host_interface: "tc0".into(),
        mac: Mac([2, 0x42, 10, 208, 0, 5]),
        ip: Some(([10, 208, 0, 5].into(), 24, Some([10, 208, 0, 1].into()))),
        ip6: None,
        names: vec!["web".into(), "db".into()],
        aliases: vec!["db".into()],
    };
    let published = Published { address: [127, 0, 0, 1].into(), host: 8080, container: 80, protocol: Protocol::Tcp };
    let joined = Joined { endpoints: vec![endpoint], ports: vec![published], ..Joined::default() };
    let running = value(&seen, None, None, &ContainerPaths::new(&Paths::new("/store", "/run"), &seen.record.id, false), &joined);
    for (template, expected) in [
        (
            "{{range .NetworkSettings.Networks}}{{.IPAddress}}/{{.IPPrefixLen}} {{.Gateway}} {{.MacAddress}}{{end}}",
            "10.208.0.5/24 10.208.0.1 02:42:0a:d0:00:05",
        ),
        ("{{.NetworkSettings.Networks.backend.Aliases}} {{.NetworkSettings.Networks.backend.DNSNames}}", "[db] [web db]"),
        (r#"{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}"#, "8080"),
        (r#"{{json (index .NetworkSettings.Ports "90/udp")}}"#, "null"),
        ("{{.NetworkSettings.IPAddress}}|{{.NetworkSettings.SandboxKey}}", "|/proc/5/ns/net"),
    ] {
        assert_eq!(render(template, &running), expected, "{template}");
    }
}
