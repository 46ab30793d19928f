//! User namespaces.

use super::{Example, Page};
use crate::explain::live::{namespaces, status};
use crate::options::user_namespaces;
use crate::sys::process;
use crate::trace::Step;

const WORDS: &str = "
In a user namespace a user has one number inside and another outside, and a
map says which is which. Root inside (0) can be a user outside whom the host
allows nothing. To the kernel it is root where things belong to its namespace:
it may mount, and change its network; and nobody where they belong to the
host, its files above all.

A line of the map has three numbers: the first inside, the first outside, how
many. `0 100000 65536` means that 0 inside is 100000 outside, 1 is 100001, and
so on. Who is in no line is shown as nobody (65534).

Without root this is how containers are possible at all: an ordinary user may
make a user namespace, is root in it, and there he may make all others. As
root, --userns auto gives each container ids that nobody else has, so that
who breaks out of it is nobody.

The files keep their owners on the disk: the kernel shows them as the
container's own (an idmapped mount).
";

pub fn page(example: &Example) -> Page {
    Page {
        words: WORDS,
        live: live(example),
        step: Some(Step::MapUsers),
        further: "man 7 user_namespaces; cat /proc/self/uid_map; tare run --userns auto",
    }
}

fn live(example: &Example) -> Vec<String> {
    let Some(status) = status::of(example.command) else { return example.at_rest() };
    let map = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", example.command)).unwrap_or_default();
    let line = |text: &str| text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ");
    let number = |pid: i32| namespaces::number(pid, "user").map_or("unknown".to_owned(), |number| number.to_string());
    let (own, ours) = (number(example.command), number(process::own_pid()));
    let mut lines = vec![match own == ours {
        _ if example.seen.is_none() => format!("this command is in user namespace {ours}"),
        true => format!("user namespace {own}, in which this command is as well: nobody's number is changed"),
        false => format!("user namespace {own}; this command is in {ours}"),
    }];
    lines.push(format!("uid_map  {}   (inside, outside, how many)", line(&map("uid_map"))));
    lines.push(format!("gid_map  {}", line(&map("gid_map"))));
    lines.push(format!("process {} is user {} here", example.command, status.uid));
    if let Some(seen) = &example.seen {
        let word = user_namespaces::word(&seen.record.wishes.user_namespace);
        lines.push(if word.is_empty() {
            "it was not asked to have one of its own (--userns)".to_owned()
        } else {
            format!("it was made with --userns {word}")
        });
    }
    lines
}
