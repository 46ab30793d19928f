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
    attach
    completion
    create
    exec
    history
    info
    inspect
    kill
    logs
    pause
    prune
    ps
    rename
    restart
    rm
    run
    start
    stop
    system_check
    system_df
    system_prune
    top
    version
    volume
    wait
}
