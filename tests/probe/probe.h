/* The probe: what a program inside a container sees, may and does. Compiled static, so that it runs in an empty image.
 *
 *   probe                     describe this process and its surroundings as one JSON object
 *   probe survey              the same, and all the rest that a config.json can change (survey.c)
 *   probe try NAME...         attempt each thing; one line "NAME answer" each (attempts.c)
 *   probe VERB [ARGUMENT...]  behave in a certain way (behaviours.c)
 *   probe tree PATH...        every file below, with all that can be told of it, a line each (tree.c)
 *   probe serve|ask …         two who talk over a network (network.c)
 *   probe ask-agent           which keys the ssh agent holds
 */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Prints the report. */
int describe(int argc, char **argv);
/* Prints what `survey` tells beyond the report, as members of the same object. */
void survey(void);
void json_string(const char *text);
/* Runs one attempt by name; 0 if there is none of that name. */
int attempt(const char *name);
void list_attempts(void);
/* Runs a behaviour; -1 if there is none of that name. */
int behave(int argc, char **argv);
/* Tells of trees and makes some; -1 if there is no such verb. */
int trees(int argc, char **argv);
/* Talks over a network; -1 if there is no such verb. */
int converse(int argc, char **argv);
/* "EPERM" and its like; a number where we know no name. */
const char *errno_name(int number);
