/* Times commands against each other, alternating, so that a machine that slows down slows them all.
 *
 *   alternate ROUNDS NAME[%EVERY]=WORD WORD… …
 *   alternate BLOCKS --crowd CLIENTS STARTS NAME[%EVERY]=WORD WORD… …
 *
 * Each argument is one competitor: a name, and a command that is split at spaces (no shell). %10 lets a slow one take part in
 * every tenth round only. The first is the one the others are compared with. Each round has an order of its own, because
 * what ran just before leaves something behind: warm caches, or work that the kernel still does.
 *
 * With --crowd each takes its turn with a whole block of STARTS commands by CLIENTS at once (a %10 with a tenth of that), and
 * what is told is commands per second. {} in a word becomes a number that no other run has.
 *
 * A word that is ; ends a command, and another follows. What a command leaves running (a container that was created) is waited
 * for before the last one begins, as an engine would do it. Told beside the time is then what the processors worked.
 *
 * Measured is the wall time from before posix_spawn to after waitpid, the same little cost for each. A command that fails
 * ends it all: its time would mean nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_WORDS = 64, MOST_COMPETITORS = 16, WARM_UP = 3 };

struct competitor {
    char *name;
    int every;
    char *words[MOST_WORDS + 1];
    double *milliseconds, *work;
    int runs;
};

static posix_spawn_file_actions_t quiet; /* nothing to read, nothing said on stdout */

static void parse(struct competitor *one, char *text, int rounds) {
    char *equals = strchr(text, '=');
    if (!equals) {
        fprintf(stderr, "alternate: no NAME= in \"%s\"\n", text);
        exit(2);
    }
    *equals = '\0';
    char *percent = strchr(text, '%');
    if (percent) *percent = '\0';
    one->name = text;
    one->every = percent ? atoi(percent + 1) : 1;
    if (one->every < 1) one->every = 1;
    int count = 0;
    for (char *word = strtok(equals + 1, " "); word && count < MOST_WORDS; word = strtok(NULL, " ")) one->words[count++] = word;
    one->milliseconds = calloc(rounds, sizeof(double));
    one->work = calloc(rounds, sizeof(double));
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* Of all processes that were waited for. */
static double worked(void) {
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3;
}

/* Copies the words with {} replaced, into memory that is good until the next call. */
static char **numbered(char **words) {
    static char texts[MOST_WORDS][512], *copy[MOST_WORDS + 1];
    static int number;
    int count = 0;
    number++;
    for (; words[count]; count++) {
        char *braces = strstr(words[count], "{}");
        copy[count] = words[count];
        if (!braces) continue;
        snprintf(texts[count], sizeof texts[count], "%.*s%d%s", (int)(braces - words[count]), words[count], number, braces + 2);
        copy[count] = texts[count];
    }
    copy[count] = NULL;
    return copy;
}

static pid_t start(struct competitor *one, char **words) {
    extern char **environ;
    pid_t pid;
    int failure = posix_spawnp(&pid, words[0], &quiet, NULL, words, environ);
    if (failure) {
        fprintf(stderr, "alternate: %s: %s: %s\n", one->name, words[0], strerror(failure));
        exit(1);
    }
    return pid;
}

static void must_be_fine(struct competitor *one, int status) {
    if (status == 0) return;
    fprintf(stderr, "alternate: %s failed (wait status 0x%x):", one->name, status);
    for (char **word = one->words; *word; word++) fprintf(stderr, " %s", *word);
    fputc('\n', stderr);
    exit(1);
}

/* Ends the first command of several; returns where the next begins. */
static char **cut(char **words) {
    for (; *words; words++)
        if (strcmp(*words, ";") == 0) {
            *words = NULL;
            return words + 1;
        }
    return NULL;
}

static void run(struct competitor *one, double *milliseconds, double *work) {
    int status;
    char **words = numbered(one->words), **first = words;
    double before = now(), worked_before = worked();
    while (words) {
        char **next = cut(words);
        if (!next && words != first)
            while (wait(&status) > 0) must_be_fine(one, status);
        waitpid(start(one, words), &status, 0);
        must_be_fine(one, status);
        words = next;
    }
    *milliseconds = now() - before;
    *work = worked() - worked_before;
}

/* Commands per second of a block. */
static double run_crowd(struct competitor *one, int clients, int starts) {
    double before = now();
    for (int begun = 0, ended = 0; ended < starts;) {
        int status;
        if (begun < starts && begun - ended < clients) {
            start(one, numbered(one->words));
            begun++;
            continue;
        }
        wait(&status);
        must_be_fine(one, status);
        ended++;
    }
    double rate = starts / (now() - before) * 1e3;
    usleep(200000); /* what was left to do in the background is nobody else's burden */
    return rate;
}

/* Who runs in this round, shuffled by a generator that gives the same orders every time. */
static int order_of_round(struct competitor *all, int count, int round, struct competitor **order) {
    static unsigned long state = 1;
    int takes_part = 0;
    for (int i = 0; i < count; i++)
        if (round % all[i].every == 0) order[takes_part++] = &all[i];
    for (int i = takes_part - 1; i > 0; i--) {
        state = state * 6364136223846793005UL + 1442695040888963407UL;
        int other = (state >> 33) % (i + 1);
        struct competitor *kept = order[i];
        order[i] = order[other];
        order[other] = kept;
    }
    return takes_part;
}

static int by_size(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double part_below(const struct competitor *one, double part) {
    return one->milliseconds[(int)((one->runs - 1) * part + 0.5)];
}
static double median_work(const struct competitor *one) { return one->work[one->runs / 2]; }

static void report_work(struct competitor *all, int count) {
    printf("%-22s %6s %9s %9s\n", "processors' work", "", "median", "ratio");
    for (int i = 0; i < count; i++) {
        qsort(all[i].work, all[i].runs, sizeof(double), by_size);
        printf("%-22s %6s %9.2f %9.3f\n", all[i].name, "", median_work(&all[i]), median_work(&all[0]) / median_work(&all[i]));
    }
}

static void report(struct competitor *all, int count) {
    char title[64];
    snprintf(title, sizeof title, "%s / it", all[0].name);
    printf("%-22s %6s %9s %9s %9s %8s %14s %9s\n", "milliseconds", "runs", "min", "median", "p95", "spread", title, "(of min)");
    for (int i = 0; i < count; i++) qsort(all[i].milliseconds, all[i].runs, sizeof(double), by_size);
    for (int i = 0; i < count; i++) {
        double least = part_below(&all[i], 0), median = part_below(&all[i], 0.5);
        double spread = (part_below(&all[i], 0.75) - part_below(&all[i], 0.25)) / median * 100;
        printf("%-22s %6d %9.2f %9.2f %9.2f %7.0f%% %14.3f %9.3f\n", all[i].name, all[i].runs, least, median, part_below(&all[i], 0.95),
               spread, part_below(&all[0], 0.5) / median, part_below(&all[0], 0) / least);
    }
    puts("spread: the middle half of the runs, as a part of the median. Differences under 15 % prove nothing.");
}

static void report_crowd(struct competitor *all, int count) {
    char title[64];
    snprintf(title, sizeof title, "%s / it", all[0].name);
    printf("%-22s %6s %9s %9s %9s %14s\n", "commands per second", "blocks", "least", "median", "most", title);
    for (int i = 0; i < count; i++) qsort(all[i].milliseconds, all[i].runs, sizeof(double), by_size);
    for (int i = 0; i < count; i++)
        printf("%-22s %6d %9.1f %9.1f %9.1f %14.2f\n", all[i].name, all[i].runs, part_below(&all[i], 0), part_below(&all[i], 0.5),
               part_below(&all[i], 1), part_below(&all[0], 0.5) / part_below(&all[i], 0.5));
}

static void crowd(struct competitor *all, int count, int blocks, int clients, int starts) {
    struct competitor *order[MOST_COMPETITORS];
    for (int i = 0; i < count; i++) run_crowd(&all[i], clients, clients);
    for (int block = 0; block < blocks; block++) {
        order_of_round(all, count, 0, order);
        for (int i = 0; i < count; i++) {
            int fewer = starts / order[i]->every;
            order[i]->milliseconds[order[i]->runs++] = run_crowd(order[i], clients, fewer > clients ? fewer : clients);
        }
    }
    report_crowd(all, count);
}

int main(int count, char **words) {
    static struct competitor all[MOST_COMPETITORS];
    struct competitor *order[MOST_COMPETITORS];
    int is_crowd = count > 5 && strcmp(words[2], "--crowd") == 0, first = is_crowd ? 5 : 2;
    int competitors = count - first, rounds = count > 2 ? atoi(words[1]) : 0;
    if (rounds < 1 || competitors < 1 || competitors > MOST_COMPETITORS) {
        fputs("usage: alternate ROUNDS [--crowd CLIENTS STARTS] NAME[%EVERY]=WORD WORD... ...\n", stderr);
        return 2;
    }
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    int in_steps = 0;
    for (int i = 0; i < competitors; i++) {
        in_steps |= strstr(words[i + first], " ; ") != NULL;
        parse(&all[i], words[i + first], rounds);
    }
    if (in_steps) prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (is_crowd) {
        crowd(all, competitors, rounds, atoi(words[3]), atoi(words[4]));
        return 0;
    }

    double ignored;
    for (int round = 0; round < WARM_UP; round++)
        for (int i = 0; i < competitors; i++) run(&all[i], &ignored, &ignored);
    for (int round = 0; round < rounds; round++) {
        int takes_part = order_of_round(all, competitors, round, order);
        for (int i = 0; i < takes_part; i++) {
            run(order[i], &order[i]->milliseconds[order[i]->runs], &order[i]->work[order[i]->runs]);
            order[i]->runs++;
        }
    }
    report(all, competitors);
    if (in_steps) report_work(all, competitors);
    return 0;
}
