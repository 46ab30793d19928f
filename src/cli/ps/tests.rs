//! Promises about `tare ps`, made over containers that never ran.

use super::*;
use crate::options::Wishes;
use crate::options::ports::Protocol;
use crate::record::Live;

const SECOND: u64 = 1_000_000_000;
const NOW: u64 = 1_763_708_529 * SECOND;

/// `name` was created so many seconds ago.
fn container(name: &str, ago: u64) -> Seen {
    let record = Container {
        id: format!("{:0<64}", name.bytes().map(|byte| format!("{byte:x}")).collect::<String>()),
        name: name.to_owned(),
        image: "alpine".to_owned(),
        image_id: "sha256:feed0000".to_owned(),
        layers: Vec::new(),
        created: NOW - ago * SECOND,
        hostname: String::new(),
        args: vec!["sh".into(), "-c".into(), "sleep 1000; echo done".into()],
        user: String::new(),
        stop_signal: "SIGTERM".into(),
        labels: vec![("tier".into(), name.to_owned()), ("app.kind".into(), "test".into())],
        reaper: true,
        launched: false,
        wishes: Wishes::default(),
        ended: None,
        owners: None,
    };
    Seen { record, live: None, status: Status::Created }
}

fn running(name: &str, ago: u64) -> Seen {
    let live = Live { pid: 5, monitor: 4, pid_started: 1, started: NOW - ago * SECOND, ..Live::default() };
    Seen { live: Some(live), status: Status::Running, ..container(name, ago) }
}

fn exited(name: &str, ago: u64, code: i32) -> Seen {
    let mut seen = container(name, ago + 10);
    seen.status = Status::Exited;
    seen.record.ended =
        Some(Ended { exit_code: code, started: NOW - (ago + 5) * SECOND, finished: NOW - ago * SECOND, ..Ended::default() });
    seen
}

fn some() -> Vec<Seen> {
    vec![running("web1", 3), running("web2", 200), exited("job", 7200, 1), container("spare", 90_000)]
}

fn listed(view: View) -> String {
    text(&some(), &View { now: NOW, ..view }).unwrap()
}

/// The names that a filter leaves.
fn names(filters: &[&str]) -> String {
    let published = Published { address: [0, 0, 0, 0].into(), host: 8080, container: 80, protocol: Protocol::Tcp };
    let ports = HashMap::from([(some()[0].record.id.clone(), vec![published])]);
    let filters = Filters::parse(filters.iter().copied()).unwrap();
    listed(View { all: true, filters, format: "{{.Names}}".into(), ports, ..View::default() }).trim_end().replace('\n', " ")
}

#[test]
fn the_usual_table_looks_like_docker_s() {
    let expected = "CONTAINER ID   IMAGE     COMMAND                  CREATED         STATUS         PORTS     NAMES\n\
                    776562310000   alpine    \"sh -c 'sleep 1000; …\"   3 seconds ago   Up 3 seconds             web1\n\
                    776562320000   alpine    \"sh -c 'sleep 1000; …\"   3 minutes ago   Up 3 minutes             web2\n";
    assert_eq!(listed(View::default()), expected);
}

#[test]
fn sizes_are_a_column_when_asked_for() {
    let id = some()[0].record.id.clone();
    let sizes = Some(HashMap::from([(id, Sizes { own: 2, with_image: 4_200_000 })]));
    let shown = listed(View { sizes: sizes.clone(), ..View::default() });
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].ends_with("NAMES     SIZE") && lines[1].ends_with("web1      2B (virtual 4.2MB)"), "{shown}");
    assert_eq!(listed(View { format: "{{.Size}}".into(), sizes, ..View::default() }), "2B (virtual 4.2MB)\n0B\n");
}

#[test]
fn every_state_has_its_words() {
    let mut all = some();
    all[0].status = Status::Paused;
    all[1].status = Status::Dead;
    let mut killed = exited("killed", 3, 137);
    killed.record.ended.as_mut().unwrap().out_of_memory = true;
    let mut lost = exited("lost", 3, 137);
    lost.record.ended.as_mut().unwrap().error = "monitor lost".into();
    all.extend([killed, lost]);
    let words: Vec<String> = all.iter().map(|seen| status(seen, NOW)).collect();
    assert_eq!(
        words,
        [
            "Up 3 seconds (Paused)",
            "Dead (damaged)",
            "Exited (1) 2 hours ago",
            "Created",
            "Exited (137) 3 seconds ago (out of memory)",
            "Exited (137) 3 seconds ago (monitor lost)"
        ]
    );
}

#[test]
fn only_what_runs_is_shown_unless_asked() {
    let ids = |view: View| listed(View { quiet: true, ..view }).lines().count();
    assert_eq!(ids(View::default()), 2);
    assert_eq!(ids(View { all: true, ..View::default() }), 4);
    assert_eq!(ids(View { last: Some(3), ..View::default() }), 3);
    let filters = Filters::parse(["status=exited"].into_iter()).unwrap();
    assert_eq!(listed(View { filters, format: "{{.Names}} {{.State}}".into(), ..View::default() }), "job exited\n");
    assert_eq!(listed(View { quiet: true, whole: true, last: Some(1), ..View::default() }).trim_end().len(), 64);
}

#[test]
fn filters_choose() {
    for (filters, expected) in [
        (&["name=web"][..], "web1 web2"),
        (&["name=^/web1$"], "web1"),
        (&["name=1", "name=job"], "web1 job"),
        (&["id=77656231"], "web1"),
        (&["label=tier"], "web1 web2 job spare"),
        (&["label=tier=job", "label=app.kind=test"], "job"),
        (&["label=tier=job", "label=tier=web1"], ""),
        (&["status=created", "status=running"], "web1 web2 spare"),
        (&["exited=1"], "job"),
        (&["exited=0"], ""),
        (&["before=web2"], "job spare"),
        (&["since=job"], "web1 web2"),
        (&["since=spare", "before=web1"], "web2 job"),
        (&["ancestor=alpine:latest"], "web1 web2 job spare"),
        (&["ancestor=feed"], "web1 web2 job spare"),
        (&["ancestor=busybox"], ""),
        (&["network=host"], ""),
        (&["network=none", "name=spare"], "spare"),
        (&["volume=/data"], ""),
        (&["publish=8080"], "web1"),
        (&["publish=80"], ""),
        (&["expose=80"], "web1"),
        (&["expose=70-90/tcp", "publish=8000-9000"], "web1"),
        (&["expose=80/udp"], ""),
        (&["health=none", "name=job"], "job"),
    ] {
        assert_eq!(names(filters), expected, "{filters:?}");
    }
}

#[test]
fn bad_filters_are_refused() {
    for filter in ["publish=http", "expose=0", "status=up", "what=1", "name", "exited=one", "health=good", "name=web.*"] {
        assert!(Filters::parse([filter].into_iter()).unwrap_err().to_string().contains("--filter"), "{filter}");
    }
    let filters = Filters::parse(["since=wbe1"].into_iter()).unwrap();
    let error = text(&some(), &View { filters, ..View::default() }).unwrap_err();
    assert_eq!(error.hint_text(), Some("did you mean web1 or web2?"));
}

#[test]
fn every_field_can_be_asked_for() {
    let fields = [
        "ID",
        "Image",
        "Command",
        "CreatedAt",
        "RunningFor",
        "Ports",
        "State",
        "Status",
        "Size",
        "Names",
        "Labels",
        "Mounts",
        "Networks",
        "LocalVolumes",
    ];
    for field in fields {
        listed(View { format: format!("table {{{{.{field}}}}}"), ..View::default() });
    }
    assert_eq!(
        listed(View { format: "{{.Label \"tier\"}} {{.Labels}}".into(), last: Some(1), ..View::default() }),
        "web1 tier=web1,app.kind=test\n"
    );
    let row: Value = serde_json::from_str(listed(View { format: "json".into(), ..View::default() }).lines().next().unwrap()).unwrap();
    assert_eq!((row["Names"].as_str(), row["CreatedAt"].as_str()), (Some("web1"), Some("2025-11-21 07:02:06 +0000 UTC")));
    assert_eq!(row.as_object().unwrap().len(), fields.len());
}

#[test]
fn a_command_cannot_talk_to_the_terminal() {
    assert_eq!(command(&["\u{1b}[2J".into()], true), "\"\\u{1b}[2J\"");
    assert_eq!(command(&["sh".into()], false), "\"sh\"");
}

/// The budget is 20 ms for the whole command; words alone must be far below, also without optimisation.
#[test]
fn a_thousand_containers_are_listed_at_once() {
    let many: Vec<Seen> = (0..1000).map(|number| running(&format!("c{number:04}"), number)).collect();
    let start = std::time::Instant::now();
    assert_eq!(text(&many, &View { now: NOW, ..View::default() }).unwrap().lines().count(), 1001);
    assert!(start.elapsed() < std::time::Duration::from_secs(2), "{:?}", start.elapsed());
}
