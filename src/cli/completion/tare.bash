# Completion of tare for bash. For this shell alone: source <(tare completion bash)
# The program answers with a line for each candidate; what begins with a colon is for this script.
_tare() {
    local answer program=${COMP_WORDS[0]/#\~/$HOME}
    COMPREPLY=()
    while IFS=$'\t' read -r answer _; do
        case $answer in
            :files) compopt -o default 2>/dev/null ;;
            :directories) compopt -o dirnames 2>/dev/null ;;
            :nospace) compopt -o nospace 2>/dev/null ;;
            *) COMPREPLY+=("$answer") ;;
        esac
    done < <("$program" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
}
complete -F _tare tare
