//! The list of steps, with the words for each.

/// What somebody does who starts, enters, ends, fetches or builds. In the order in which it is done; those of a start come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    FindImage = 1,
    DescribeContainer,
    MakeMonitor,
    MakeGroup,
    SetLimits,
    GuardDevices,
    ClaimAddresses,
    CloneContainer,
    MapUsers,
    PlugIn,
    RememberStart,
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
    BoundCapabilities,
    FilterCalls,
    ChangeIdentity,
    EnterDirectory,
    DropCapabilities,
    Execute,
    FindContainer,
    JoinNamespaces,
    AwaitStart,
    Attend,
    Watch,
    OnlyChangeRoot,
    SendSignal,
    AskToEnd,
    AwaitEnd,
    KillGroup,
    RememberEnd,
    ClearUp,
    RemoveFiles,
    ReadArchive,
    AskRegistry,
    FetchLayers,
    NameImage,
    ReadDockerfile,
    PlanStages,
    LookUpLine,
    CopyFiles,
    RunLine,
    PackLayer,
    WriteImage,
}

impl Step {
    pub const ALL: [Step; 58] = [
        Step::FindImage,
        Step::DescribeContainer,
        Step::MakeMonitor,
        Step::MakeGroup,
        Step::SetLimits,
        Step::GuardDevices,
        Step::ClaimAddresses,
        Step::CloneContainer,
        Step::MapUsers,
        Step::PlugIn,
        Step::RememberStart,
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
        Step::BoundCapabilities,
        Step::FilterCalls,
        Step::ChangeIdentity,
        Step::EnterDirectory,
        Step::DropCapabilities,
        Step::Execute,
        Step::FindContainer,
        Step::JoinNamespaces,
        Step::AwaitStart,
        Step::Attend,
        Step::Watch,
        Step::OnlyChangeRoot,
        Step::SendSignal,
        Step::AskToEnd,
        Step::AwaitEnd,
        Step::KillGroup,
        Step::RememberEnd,
        Step::ClearUp,
        Step::RemoveFiles,
        Step::ReadArchive,
        Step::AskRegistry,
        Step::FetchLayers,
        Step::NameImage,
        Step::ReadDockerfile,
        Step::PlanStages,
        Step::LookUpLine,
        Step::CopyFiles,
        Step::RunLine,
        Step::PackLayer,
        Step::WriteImage,
    ];

    /// Those of a start are numbered for people: an error and an explanation give the same number.
    pub const OF_A_START: usize = Step::Execute as usize;

    pub fn number(self) -> u8 {
        self as u8
    }
    pub fn from_number(number: u8) -> Option<Step> {
        Step::ALL.get(usize::from(number).wrapping_sub(1)).copied()
    }

    /// A verb, in plain words.
    pub fn title(self) -> &'static str {
        match self {
            Step::FindImage => "find the image",
            Step::DescribeContainer => "write down what the container shall be",
            Step::MakeMonitor => "make the monitor",
            Step::MakeGroup => "make a control group",
            Step::SetLimits => "limit what the group may use",
            Step::GuardDevices => "guard the devices",
            Step::ClaimAddresses => "claim its addresses",
            Step::CloneContainer => "make a process in new namespaces",
            Step::MapUsers => "say who its users are on the host",
            Step::PlugIn => "plug it into its networks",
            Step::RememberStart => "write down that it runs",
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
            Step::OpenTerminal => "connect its terminal or its streams",
            Step::BecomeReaper => "leave pid 1 to the reaper",
            Step::SetProcessLimits => "set the limits of the process",
            Step::FindUser => "find the user",
            Step::BoundCapabilities => "bound the capabilities for good",
            Step::FilterCalls => "filter system calls",
            Step::ChangeIdentity => "become the user",
            Step::EnterDirectory => "go to the working directory",
            Step::DropCapabilities => "keep only the capabilities that were granted",
            Step::Execute => "execute the command",
            Step::FindContainer => "find the container",
            Step::JoinNamespaces => "join the container's namespaces",
            Step::AwaitStart => "wait until its program runs",
            Step::Attend => "show what it writes",
            Step::Watch => "watch over it",
            Step::OnlyChangeRoot => "let paths begin at the new root, and no more",
            Step::SendSignal => "send it a signal",
            Step::AskToEnd => "ask the container to end",
            Step::AwaitEnd => "wait until it has ended",
            Step::KillGroup => "end every process of the group",
            Step::RememberEnd => "write down how it ended",
            Step::ClearUp => "take down what it had on the host",
            Step::RemoveFiles => "remove its files",
            Step::ReadArchive => "read the archive",
            Step::AskRegistry => "ask the registry what the name stands for",
            Step::FetchLayers => "fetch the layers, check and unpack them",
            Step::NameImage => "give the image its name",
            Step::ReadDockerfile => "read the Dockerfile",
            Step::PlanStages => "find out which stages are needed",
            Step::LookUpLine => "look whether the result is known",
            Step::CopyFiles => "copy files",
            Step::RunLine => "run a command in a container",
            Step::PackLayer => "make a layer of what was written",
            Step::WriteImage => "write down the image",
        }
    }

    /// One sentence for somebody who sees it for the first time.
    pub fn why(self) -> &'static str {
        match self {
            Step::FindImage => "an image is a list of layers, and words that say what to execute in them",
            Step::DescribeContainer => {
                "everything that follows is read from this record: whoever comes later, and after a crash, knows what was wanted"
            }
            Step::MakeMonitor => {
                "somebody has to be the container's parent, keep its output and learn how it ends, when the command that started it is long gone"
            }
            Step::MakeGroup => {
                "a group holds every process of the container, however it forks: it can be limited, counted and killed as a whole"
            }
            Step::SetLimits => "a container that takes all memory or processors takes them from everybody else",
            Step::GuardDevices => "root in the container may make device files; the kernel asks this program before one is opened",
            Step::ClaimAddresses => "two containers of a network must not have the same, so each address is a file that only one can make",
            Step::CloneContainer => {
                "a namespace is a view: its own processes, mounts, names, network and shared memory instead of the host's"
            }
            Step::MapUsers => {
                "in a user namespace root is somebody without power outside, and until the kernel is told who, the process is nobody"
            }
            Step::PlugIn => {
                "a new network namespace has no cable: one end of a virtual one goes into the container, the other into the bridge"
            }
            Step::RememberStart => "other commands find the container by this record, and after a crash they still find what is left of it",
            Step::OwnGroupView => "it sees its own group as the topmost one; all other groups of the host are hidden",
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
            Step::OpenTerminal => {
                "a shell wants a terminal of its own, from the container's own /dev/pts; others get pipes, whose far ends belong to whoever keeps or shows what comes out"
            }
            Step::BecomeReaper => {
                "pid 1 inherits every orphan and must reap it, and gets no default action for signals: most programs do neither"
            }
            Step::SetProcessLimits => "limits of one process, such as open files, are inherited by what it starts",
            Step::FindUser => "names of users mean what the container's own /etc/passwd says",
            Step::BoundCapabilities => {
                "root's powers are cut into capabilities; what leaves this set no program below can get back, not even a setuid one"
            }
            Step::FilterCalls => "most of the kernel's calls are never needed by a container, and each is a door",
            Step::ChangeIdentity => "from here on the kernel judges every access by the user and the groups that were asked for",
            Step::EnterDirectory => "the command starts where the image or the user said",
            Step::DropCapabilities => "capabilities are root's powers one by one; what is not needed is given up",
            Step::Execute => "the process becomes the user's program; every descriptor of ours closes by itself",
            Step::FindContainer => "names and ids are looked up in the records; its state says which process is its first",
            Step::JoinNamespaces => {
                "a process sees what the container sees only from inside the same namespaces, and some are entered only by being born in them"
            }
            Step::AwaitStart => {
                "only when the process has become the user's program is the start a success; until then it can still say what went wrong"
            }
            Step::Attend => {
                "output, input and signals go through a socket of the monitor, so whoever started the container may leave and it goes on"
            }
            Step::Watch => "its output is kept, its end is noticed whenever it comes, and it is begun again where that was wished",
            Step::OnlyChangeRoot => {
                "this is chroot and no more: the host's files are out of sight, but there, and root can climb out to them; it is what --without=mount leaves out"
            }
            Step::SendSignal => {
                "a signal is a number that the kernel brings; what it means is the program's own affair, unless it is KILL or STOP"
            }
            Step::AskToEnd => "a program that is asked can put its files in order first",
            Step::AwaitEnd => "an end is told by the kernel, and what its monitor has still to do after it takes a moment",
            Step::KillGroup => "the kernel ends all of them at once, so that nothing can escape by forking; nobody is asked",
            Step::RememberEnd => "the exit code is known to the parent only, and only once",
            Step::ClearUp => {
                "a group, addresses and the state of a container that has ended are of no use; its mounts and namespaces are gone with its last process"
            }
            Step::RemoveFiles => "what the container has written and its records; the layers of the image stay, others use them",
            Step::ReadArchive => "an archive of an image holds a list of contents, the words of the image, and each layer as a tar",
            Step::AskRegistry => "a name is a pointer that may move; the digest of the manifest behind it says exactly which image it is",
            Step::FetchLayers => {
                "each is inflated, hashed and written while it still arrives: it counts only if its bytes have the digest that was promised"
            }
            Step::NameImage => "only now, when all of it is there and checked, can anybody see it",
            Step::ReadDockerfile => "the text becomes instructions, each with its line, so that every error can say where",
            Step::PlanStages => "stages that nothing needs are not built, and those that do not need each other are built side by side",
            Step::LookUpLine => "the key of a line is a hash of all that its result depends on; a time is never part of it",
            Step::CopyFiles => "they are written as the image's own root would see them, so no link in the image leads out of it",
            Step::RunLine => "a RUN is a container like any other, whose changes are kept",
            Step::PackLayer => {
                "the directory of changes is read once: packed, hashed and compressed by all processors, and then it is the layer"
            }
            Step::WriteImage => "its words and its list of layers; from here on it can be run",
        }
    }

    /// `step 16 of 34, make the new root the only root`
    pub fn place(self) -> String {
        match usize::from(self.number()) {
            number @ ..=Step::OF_A_START => format!("step {number} of {}, {}", Step::OF_A_START, self.title()),
            _ => self.title().to_owned(),
        }
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
        assert_eq!(Step::from_number(Step::ALL.len() as u8 + 1), None);
    }

    #[test]
    fn titles_are_short_and_all_different_and_reasons_are_sentences() {
        for step in Step::ALL {
            assert!(step.title().len() < 50, "{}", step.title());
            assert!(step.why().len() > 40 && !step.why().ends_with('.'), "{}", step.why());
            assert_eq!(Step::ALL.iter().filter(|other| other.title() == step.title()).count(), 1, "{}", step.title());
        }
    }
}
