//! Pods as a Kubernetes node makes them: containerd's CRI service, asked by the name of a RuntimeClass.

use crate::common::eventually;
use crate::common::kubelet::{Kubelet, Message};
use crate::common::world::NETWORK;

#[test]
fn kubernetes_runs_pods() {
    // Sandboxes are always given a share of processors, which no controller of cgroup v2 is here to keep, and root may not
    // lower the score here by which the kernel chooses whom to kill.
    let Some(kubelet) = Kubelet::new("disable_cgroup = true\nrestrict_oom_score_adj = true") else { return };
    let pod = kubelet.run_pod("web");
    let serve = "echo here > /tmp/index.html; echo logged; exec httpd -f -p 80 -h /tmp";
    let server = kubelet.start(&pod, "server", &["sh", "-c", serve], Message::default());
    let client = kubelet.start(&pod, "client", &["sleep", "1000"], Message::default());
    assert_eq!(kubelet.exec(&client, &["sh", "-c", "hostname; exit 5"]), (5, "web\n".into()));
    eventually("they share their network", || kubelet.exec(&client, &["wget", "-qO-", "http://127.0.0.1/"]) == (0, "here\n".into()));
    let (_, address) = kubelet.exec(&client, &["ip", "addr", "show", "eth0"]);
    assert!(address.contains(NETWORK), "{address}");
    let space = |id: &str, kind: &str| kubelet.exec(id, &["readlink", &format!("/proc/self/ns/{kind}")]).1;
    for kind in ["net", "ipc", "uts", "pid"] {
        assert_eq!(space(&server, kind), space(&client, kind), "{kind}");
    }
    assert_ne!(space(&server, "mnt"), space(&client, "mnt"));
    let log = kubelet.containerd.world.path("logs/server.log");
    eventually("its log", || std::fs::read_to_string(&log).is_ok_and(|text| text.ends_with(" stdout F logged\n")));
    kubelet.call("StopContainer", &Message::default().text(1, &server));
    kubelet.call("RemoveContainer", &Message::default().text(1, &server));
    kubelet.remove(&pod);
}
