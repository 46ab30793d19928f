//! Each command as a person meets it: the pages of `tests/transcripts/`, typed and compared line by line.

use crate::common::{Store, transcript};

macro_rules! transcripts {
    ($($name:ident)*) => { $(
        #[test]
        fn $name() {
            let store = Store::empty();
            let commands = transcript::play(&store, include_str!(concat!("../transcripts/", stringify!($name), ".md")));
            assert!(commands > 3, "only {commands} commands");
            store.ok(&["container", "prune", "-f"]);
            store.assert_nothing_left();
        }
    )* };
}

transcripts! {
    commit
    cp
    diff
    events
    export
    generate
    health
    history
    images
    import
    load
    pause
    port
    prune
    rename
    restart
    rmi
    run_restart
    save
    stats
    system_check
    system_df
    system_prune
    system_start
    tag
    top
    update
    wait
}
