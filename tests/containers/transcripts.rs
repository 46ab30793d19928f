//! Each command as a person meets it: the pages of `tests/transcripts/`, typed and compared line by line.

use crate::common::town::Town;
use crate::common::{Store, transcript};

macro_rules! transcripts {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            let store = Store::empty();
            let page = include_str!(concat!("../transcripts/", stringify!($name), ".md"));
            let Some((_registry, page)) = transcript::with_registry(page) else { return };
            let commands = transcript::play(&store, &page);
            assert!(commands > 3, "only {commands} commands");
            store.ok(&["container", "prune", "-f"]);
            store.assert_nothing_left();
        }
    )* };
}

/// On a machine of their own: these make bridges.
macro_rules! transcripts_of_networks {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            let Some(town) = Town::new() else { return };
            let mut store = Store::empty();
            store.machine = Some(town.host.clone());
            let commands = transcript::play(&store, include_str!(concat!("../transcripts/", stringify!($name), ".md")));
            assert!(commands > 3, "only {commands} commands");
            store.assert_nothing_left();
        }
    )* };
}

transcripts_of_networks! {
    network
    port
}

transcripts! {
    attach
    build
    builder_prune
    commit
    completion
    cp
    create
    diff
    events
    exec
    explain
    explain_run
    explaining
    export
    generate
    health
    history
    images
    import
    info
    inspect
    kill
    layers
    load
    logs
    manifest
    pause
    prune
    ps
    pull
    push
    rename
    restart
    rm
    rmi
    run
    run_restart
    save
    search
    start
    stats
    stop
    system_check
    system_df
    system_prune
    system_start
    tag
    top
    tree
    update
    version
    volume
    wait
    why
}
