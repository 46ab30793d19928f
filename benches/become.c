/* Becomes a user, and then another program: become UID HOME RUN PROGRAM WORDS…
 *
 * HOME and RUN are his directories; tare keeps its store and its live state below them. For comparisons in which every competitor must
 * be started as somebody: setpriv and env would cost more than what is measured. */
#define _GNU_SOURCE
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count < 5) {
        fprintf(stderr, "usage: become UID HOME RUN PROGRAM WORDS...\n");
        return 2;
    }
    unsigned id = (unsigned)strtoul(words[1], NULL, 10);
    setenv("HOME", words[2], 1);
    setenv("XDG_RUNTIME_DIR", words[3], 1);
    char place[4096];
    snprintf(place, sizeof place, "%s/tare", words[2]);
    setenv("TARE_ROOT", place, 1);
    snprintf(place, sizeof place, "%s/tare", words[3]);
    setenv("TARE_RUN", place, 1);
    if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id)) {
        perror("become");
        return 2;
    }
    if (chdir("/")) return 2;
    execvp(words[4], words + 4);
    perror(words[4]);
    return 127;
}
