//! Who performs a step.

/// Our own processes, by what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Who {
    /// What was typed.
    Command,
    /// The container's parent, which stays.
    Monitor,
    /// Lives only to make the container's first process, where its parent cannot.
    Cloner,
    /// The container's first process, while it sees the host's files.
    Child,
    /// The same when the new root is the only one.
    ChildInside,
    /// The process that becomes the user's program.
    Process,
    /// Carries ports and answers names.
    Porter,
    /// Asks whether the container is well.
    Nurse,
    /// A stage of a build.
    Stage,
}

impl Who {
    const ALL: [Who; 9] =
        [Who::Command, Who::Monitor, Who::Cloner, Who::Child, Who::ChildInside, Who::Process, Who::Porter, Who::Nurse, Who::Stage];

    pub fn from_number(number: u8) -> Who {
        Who::ALL.get(usize::from(number)).copied().unwrap_or(Who::Command)
    }

    /// The whole process, where it is another before and behind something.
    pub fn lane_name(self) -> &'static str {
        match self {
            Who::Child | Who::ChildInside => "first process",
            other => other.name(),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Who::Command => "command",
            Who::Monitor => "monitor",
            Who::Cloner => "cloner",
            Who::Child => "first process, outside",
            Who::ChildInside => "first process, inside",
            Who::Process => "its command",
            Who::Porter => "porter",
            Who::Nurse => "nurse",
            Who::Stage => "stage",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_its_own() {
        for (index, who) in Who::ALL.iter().enumerate() {
            assert_eq!(*who as usize, index);
            assert_eq!(Who::from_number(index as u8), *who);
        }
    }
}
