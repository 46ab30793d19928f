//! Who is doing what just now: the steps of everything we do, each with a title and the reason why it is taken.
//!
//! One list for everybody: the code that performs a step names it, an error says at which step it happened, and the explanations
//! for learners print the same words. Naming a step is one store into memory. Nothing is told to anybody: whoever wants to know
//! reads that memory from outside (`explain/`), so a start is the same whether it is explained or not.

mod step;
pub mod timeline;
mod who;

pub use step::Step;
pub use who::Who;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Step and performer of this process, as `Now` packs them. A child begins with its parent's.
static NOW: AtomicU32 = AtomicU32::new(0);

/// What follows belongs to this step, until the next one begins.
pub fn begin(step: Step) -> Step {
    let now = NOW.load(Ordering::Relaxed);
    if now & 0xff != u32::from(step.number()) {
        NOW.store((now & !0xff) | u32::from(step.number()), Ordering::Relaxed);
        timeline::mark(from_memory(now).1, step);
    }
    step
}

/// From here on this process is somebody else.
pub fn act_as(who: Who) {
    let now = NOW.load(Ordering::Relaxed);
    NOW.store((now & 0xff) | (who as u32) << 8, Ordering::Relaxed);
    // A new process begins with its parent's step. Behind the new root it is the same one.
    if let (Some(step), true) = (from_memory(now).0, who != Who::ChildInside) {
        timeline::mark(who, step);
    }
}

/// Only where none was begun before: what is looked up again and again on the way is not a step each time.
pub fn begin_with(step: Step) {
    if NOW.load(Ordering::Relaxed) & 0xff == 0 {
        begin(step);
    }
}

/// What comes has nothing to do with what was before.
fn forget() {
    let now = NOW.load(Ordering::Relaxed);
    NOW.store(now & !0xff, Ordering::Relaxed);
}

static IS_LOOKED_AT: AtomicBool = AtomicBool::new(false);

/// This process and its children are being explained to somebody.
pub fn is_looked_at() -> bool {
    IS_LOOKED_AT.load(Ordering::Relaxed)
}
pub fn be_looked_at() {
    IS_LOOKED_AT.store(true, Ordering::Relaxed);
}

/// Where the memory lies, in this process and in all that are forked from it until they execute another program.
pub fn address_of_now() -> usize {
    &raw const NOW as usize
}

/// What was read there.
pub fn from_memory(word: u32) -> (Option<Step>, Who) {
    let [step, who, ..] = word.to_le_bytes();
    (Step::from_number(step), Who::from_number(who))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_and_performer_do_not_disturb_each_other() {
        act_as(Who::Monitor);
        begin(Step::MountRoot);
        assert_eq!(from_memory(NOW.load(Ordering::Relaxed)), (Some(Step::MountRoot), Who::Monitor));
        act_as(Who::Child);
        assert_eq!(from_memory(NOW.load(Ordering::Relaxed)), (Some(Step::MountRoot), Who::Child));
    }
}
