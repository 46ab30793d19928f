//! The steps of a start, each with a title (a verb in plain words) and the reason why it is taken.
//!
//! One list for everybody: the code that performs a step names it, an error says at which step it happened, and the
//! explanations for learners print the same words.

/// In the order in which a `run` takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    MakeGroup = 1,
    SetLimits,
    GuardDevices,
    CloneContainer,
    OwnGroupView,
    CutMounts,
    GatherSources,
    MountRoot,
    EnterRoot,
    MountSystem,
    MakeDevices,
    MountWishes,
    TuneKernel,
    HidePaths,
    CloseRoot,
    NameHost,
    SwitchLoopbackOn,
    OpenTerminal,
    BecomeReaper,
    SetProcessLimits,
    FindUser,
    EnterDirectory,
    FilterCalls,
    ChangeIdentity,
    Execute,
}

impl Step {
    pub const ALL: [Step; 25] = [
        Step::MakeGroup,
        Step::SetLimits,
        Step::GuardDevices,
        Step::CloneContainer,
        Step::OwnGroupView,
        Step::CutMounts,
        Step::GatherSources,
        Step::MountRoot,
        Step::EnterRoot,
        Step::MountSystem,
        Step::MakeDevices,
        Step::MountWishes,
        Step::TuneKernel,
        Step::HidePaths,
        Step::CloseRoot,
        Step::NameHost,
        Step::SwitchLoopbackOn,
        Step::OpenTerminal,
        Step::BecomeReaper,
        Step::SetProcessLimits,
        Step::FindUser,
        Step::EnterDirectory,
        Step::FilterCalls,
        Step::ChangeIdentity,
        Step::Execute,
    ];

    pub fn number(self) -> u8 {
        self as u8
    }
    pub fn from_number(number: u8) -> Option<Step> {
        Step::ALL.get(usize::from(number).wrapping_sub(1)).copied()
    }

    pub fn title(self) -> &'static str {
        match self {
            Step::MakeGroup => "make a control group",
            Step::SetLimits => "limit what the group may use",
            Step::GuardDevices => "guard the devices",
            Step::CloneContainer => "make a process in new namespaces",
            Step::OwnGroupView => "see only its own control group",
            Step::CutMounts => "cut its mounts off from the host's",
            Step::GatherSources => "take hold of what is mounted from the host",
            Step::MountRoot => "stack the layers to a file system",
            Step::EnterRoot => "make the new root the only root",
            Step::MountSystem => "mount the kernel's own file systems",
            Step::MakeDevices => "make the device files",
            Step::MountWishes => "mount what was asked for",
            Step::TuneKernel => "tune its part of the kernel",
            Step::HidePaths => "hide and protect what shows the host",
            Step::CloseRoot => "make the root read-only",
            Step::NameHost => "give the container a host name",
            Step::SwitchLoopbackOn => "switch the loopback interface on",
            Step::OpenTerminal => "open a terminal",
            Step::BecomeReaper => "leave pid 1 to the reaper",
            Step::SetProcessLimits => "set the limits of the process",
            Step::FindUser => "find the user",
            Step::EnterDirectory => "go to the working directory",
            Step::FilterCalls => "filter system calls",
            Step::ChangeIdentity => "change to the user and drop capabilities",
            Step::Execute => "execute the command",
        }
    }

    pub fn why(self) -> &'static str {
        match self {
            Step::MakeGroup => {
                "a group holds every process of the container, however it forks: it can be limited, counted and killed as a whole"
            }
            Step::SetLimits => "a container that takes all memory or processors takes them from everybody else",
            Step::GuardDevices => "root in the container may make device files; the kernel asks this program before one is opened",
            Step::CloneContainer => {
                "a namespace is a view: its own processes, mounts, names, network and shared memory instead of the host's"
            }
            Step::OwnGroupView => "the group appears as the root of all groups, so the host's structure stays unseen",
            Step::CutMounts => "what is mounted from here on must not appear on the host",
            Step::GatherSources => "paths of the host can be opened only while the host's root is still ours",
            Step::MountRoot => {
                "the layers of the image are shared and never change; what the container writes goes to a directory of its own on top"
            }
            Step::EnterRoot => "after this no path leads out: the host's files are not forbidden but absent",
            Step::MountSystem => "programs expect /proc, /dev and /sys, and these show the container's namespaces",
            Step::MakeDevices => "programs expect /dev/null and a few more; no disk is among them",
            Step::MountWishes => "directories of the host and empty file systems appear where they were asked for",
            Step::TuneKernel => {
                "settings of /proc/sys that belong to a namespace can be the container's own, and the host's stay as they are"
            }
            Step::HidePaths => "parts of /proc and /sys belong to the whole machine and not to a namespace",
            Step::CloseRoot => "a container that need not write to its root cannot be changed by whoever breaks in",
            Step::NameHost => "the host name is its own in a UTS namespace, and is how people recognise the container",
            Step::SwitchLoopbackOn => "a new network namespace has a loopback interface, but it is down",
            Step::OpenTerminal => "a shell wants a terminal of its own, from the container's own /dev/pts",
            Step::BecomeReaper => {
                "pid 1 inherits every orphan and must reap it, and gets no default action for signals: most programs do neither"
            }
            Step::SetProcessLimits => "limits of one process, such as open files, are inherited by what it starts",
            Step::FindUser => "names of users mean what the container's own /etc/passwd says",
            Step::EnterDirectory => "the command starts where the image or the user said",
            Step::FilterCalls => "most of the kernel's calls are never needed by a container, and each is a door",
            Step::ChangeIdentity => "capabilities are root's powers one by one; what is not needed is given up for good",
            Step::Execute => "the process becomes the user's program; every descriptor of ours closes by itself",
        }
    }

    /// `step 9 of 25, make the new root the only root`
    pub fn place(self) -> String {
        format!("step {} of {}, {}", self.number(), Step::ALL.len(), self.title())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_complete_and_in_order() {
        for (index, step) in Step::ALL.iter().enumerate() {
            assert_eq!(usize::from(step.number()), index + 1);
            assert_eq!(Step::from_number(step.number()), Some(*step));
        }
        assert_eq!(Step::from_number(0), None);
        assert_eq!(Step::from_number(26), None);
    }
}
