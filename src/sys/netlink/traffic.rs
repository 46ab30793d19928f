//! How packets wait at an interface, and what is done with them where they come in: tc(8).

use super::Netlink;
use super::message::{CREATE, EXCLUSIVE, Message, REPLACE};
use crate::sys::Errno;

const NEW_QUEUE: u16 = 36;
const NEW_FILTER: u16 = 44;

const KIND: u16 = 1;
const OPTIONS: u16 = 2;

/// struct tcmsg: family, interface, handle, parent, and what the kind of message makes of the last number.
fn head(index: u32, handle: u32, parent: u32, last: u32) -> Vec<u8> {
    [[0; 4], index.to_ne_bytes(), handle.to_ne_bytes(), parent.to_ne_bytes(), last.to_ne_bytes()].concat()
}

/// A place for filters at an interface (clsact). It must not be there yet.
pub fn place_for_filters(index: u32) -> Message {
    Message::new(NEW_QUEUE, CREATE | EXCLUSIVE, &head(index, 0xffff_0000, 0xffff_fff1, 0)).text(KIND, "clsact")
}

/// What comes in at interface `at` with this mark goes on as if it had come in at interface `to`. It must not be there yet.
///
/// The filter is a program of the old kind (cBPF), which every kernel with filters takes.
pub fn redirect_marked(at: u32, mark: u32, to: u32) -> Message {
    const INCOMING: u32 = 0xffff_fff2;
    /// The first and only priority, for packets of every protocol (ETH_P_ALL, in the order of the wire).
    const PRIORITY: u32 = 1 << 16 | (3u16.to_be() as u32);
    const ACTIONS: u16 = 1;
    const PROGRAM_LENGTH: u16 = 4;
    const PROGRAM: u16 = 5;
    // Load the mark (an offset that stands for it: SKF_AD_OFF + SKF_AD_MARK); is it this one? All of the packet, or nothing.
    let program = [(0x20, 0, 0, 0xffff_f014u32), (0x15, 0, 1, mark), (0x06, 0, 0, u32::MAX), (0x06, 0, 0, 0)];
    let program: Vec<u8> = program.iter().flat_map(|(code, yes, no, value)| instruction(*code, *yes, *no, *value)).collect();

    // struct tc_mirred: index, capabilities, what becomes of the packet here (TC_ACT_STOLEN), two counters, TCA_INGRESS_REDIR, to.
    let redirect: Vec<u8> = [0, 0, 4, 0, 0, 3, to].iter().flat_map(|word: &u32| word.to_ne_bytes()).collect();
    Message::new(NEW_FILTER, CREATE | EXCLUSIVE, &head(at, to, INCOMING, PRIORITY)).text(KIND, "bpf").nest(OPTIONS, |options| {
        let options = options
            .nest(ACTIONS, |list| list.nest(1, |action| action.text(1, "mirred").nest(2, |parameters| parameters.bytes(2, &redirect))));
        options.bytes(PROGRAM_LENGTH, &4u16.to_ne_bytes()).bytes(PROGRAM, &program)
    })
}

/// struct sock_filter
fn instruction(code: u16, yes: u8, no: u8, value: u32) -> Vec<u8> {
    [&code.to_ne_bytes()[..], &[yes, no], &value.to_ne_bytes()].concat()
}

impl Netlink {
    /// What leaves through this interface is not faster than that; it replaces an earlier limit. A token bucket (tbf).
    ///
    /// What counts is what programs get: the kernel counts the headers too, which take 4 % of full packets of TCP and 3 % of UDP.
    pub fn limit_rate(&self, index: u32, bytes_per_second: u64) -> Result<(), Errno> {
        const ROOT: u32 = 0xffff_ffff;
        const PARAMETERS: u16 = 1;
        const RATE: u16 = 4;
        const BURST: u16 = 6;
        let rate = bytes_per_second.saturating_add(bytes_per_second / 100 * 3).max(1);
        // So much at once after a pause: 5 ms, because timers are not exact, but packets must fit into it.
        let burst = (rate / 200).clamp(2 * 1600, 16 << 20) as u32;
        // So much may wait: 50 ms, beyond which TCP had better hear of it; and not less than a few packets.
        let limit = (rate / 20).clamp(32 << 10, 64 << 20) as u32 + burst;

        const ETHERNET: u8 = 1;
        let mut parameters = vec![0, ETHERNET, 0, 0, 0, 0, 0, 0];
        parameters.extend((rate.min(u64::from(u32::MAX)) as u32).to_ne_bytes());
        parameters.extend([0; 12]);
        parameters.extend([limit.to_ne_bytes(), [0; 4], [0; 4]].concat());
        let message = Message::new(NEW_QUEUE, CREATE | REPLACE, &head(index, 0, ROOT, 0)).text(KIND, "tbf");
        self.tell(
            message.nest(OPTIONS, |options| options.bytes(PARAMETERS, &parameters).bytes(RATE, &rate.to_ne_bytes()).number(BURST, burst)),
        )
    }
}
