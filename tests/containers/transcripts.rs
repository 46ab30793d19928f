//! Each command as a person meets it: the pages of `tests/transcripts/`, typed and compared line by line.

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

transcripts! {
    attach
    commit
    completion
    cp
    create
    diff
    events
    exec
    export
    generate
    health
    history
    images
    import
    info
    inspect
    kill
    load
    logs
    manifest
    pause
    port
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
    update
    version
    volume
    wait
}
