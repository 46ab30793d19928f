//! Promises about the records of networks: how they are found, and what is left of somebody who was killed.

use super::*;

struct Place(std::path::PathBuf, Paths);

impl Place {
    fn new(name: &str) -> Place {
        let dir = std::env::temp_dir().join(format!("tare-networks-{name}-{}", std::process::id()));
        let _ = file::remove_tree(&dir);
        Place(dir.clone(), Paths::new(dir.join("s"), dir.join("r")))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = file::remove_tree(&self.0);
    }
}

fn plan(name: &str) -> Plan {
    Plan { name: name.into(), ..Plan::default() }
}

#[test]
fn a_network_is_found_by_name_and_by_the_beginning_of_its_id() {
    let place = Place::new("find");
    let made = make(&place.1, plan("backend")).unwrap();
    for wanted in ["backend", &made.id, &made.id[..5]] {
        assert_eq!(find(&place.1, wanted).unwrap().as_ref(), Some(&made), "{wanted}");
    }
    for wanted in ["", "back", "../network/backend", "zz"] {
        assert_eq!(find(&place.1, wanted).unwrap(), None, "{wanted}");
    }
    assert_eq!(list(&place.1).unwrap().iter().map(|network| network.name.as_str()).collect::<Vec<_>>(), ["backend", "bridge"]);
    assert_eq!(make(&place.1, plan("backend")).unwrap_err().kind(), Kind::Conflict);
    hold(&place.1, "backend").unwrap().unwrap().remove(&place.1).unwrap();
    assert_eq!(find(&place.1, "backend").unwrap(), None);
    assert!(hold(&place.1, "backend").unwrap().is_none() && !place.1.network("backend").exists());
}

#[test]
fn the_default_network_is_made_once_by_many() {
    let place = Place::new("default");
    let ids: std::collections::HashSet<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..20).map(|_| scope.spawn(|| default(&place.1).unwrap().id)).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 1);
    std::fs::write(record(&place.1, DEFAULT), "").unwrap();
    assert!(!ids.contains(&default(&place.1).unwrap().id), "what a power cut has taken is made again");
}

#[test]
fn no_two_networks_share_an_address() {
    let place = Place::new("apart");
    std::thread::scope(|scope| {
        for number in 0..12 {
            let place = &place;
            scope.spawn(move || make(&place.1, plan(&format!("net{number}"))).unwrap());
        }
    });
    let all = list(&place.1).unwrap();
    assert_eq!(all.len(), 13);
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            assert!(!one.ranges().any(|range| other.ranges().any(|their| range.subnet.overlaps(&their.subnet))), "{one:?} {other:?}");
        }
    }
    let taken = Wish { subnets: vec![all[0].v4.as_ref().unwrap().subnet], ..Wish::default() };
    let error = make(&place.1, Plan { addresses: taken, ..plan("more") }).unwrap_err();
    assert!(error.to_string().contains(&format!("network {}", all[0].name)), "{error}");
}

#[test]
fn what_was_left_half_made_is_gone_on_with_or_taken_away() {
    let place = Place::new("half");
    for name in ["left", "again"] {
        store::make_dirs(&place.1.network(name)).unwrap();
    }
    assert_eq!(list(&place.1).unwrap(), []);
    assert!(find(&place.1, "left").unwrap().is_none() && hold(&place.1, "left").unwrap().is_none());
    make(&place.1, plan("again")).unwrap();
    assert!(find(&place.1, "again").unwrap().is_some() && !place.1.network("left").exists());
}
