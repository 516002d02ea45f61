/* SPDX-License-Identifier: MIT */
/*
 * The bash completion script, from the tables of command.h.
 */
#include "ctl/command.h"

#include <string.h>

static void put_first_words(FILE *out)
{
    const char *last = "";
    for (size_t i = 0; i < ctl_command_count; i++) {
        const char *name = ctl_commands[i]->name;
        size_t len = strcspn(name, " ");
        /* Commands of two words with the same first one stand together in the table. */
        if (strncmp(last, name, len) == 0 && last[len] == ' ')
            continue;
        fprintf(out, "%s%.*s", i > 0 ? " " : "", (int)len, name);
        last = name;
    }
}

/* The second words of FIRST. */
static void put_second_words(FILE *out, const char *first, size_t len)
{
    for (size_t i = 0; i < ctl_command_count; i++)
        if (strncmp(ctl_commands[i]->name, first, len) == 0 && ctl_commands[i]->name[len] == ' ')
            fprintf(out, " %s", ctl_commands[i]->name + len + 1);
}

static void put_options(FILE *out, const struct ctl_command *command)
{
    uint64_t options = command->options | CTL_BIT(HELP);
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++)
        if ((options & CTL_OPTION_BIT(i)) != 0)
            fprintf(out, " --%s", ctl_options[i].name);
}

static void put_case(FILE *out, const struct ctl_command *command)
{
    const char *blank = strchr(command->name, ' ');
    size_t len = strcspn(command->name, " ");
    bool files = strstr(command->operands, "FILE") != NULL || command->takes_rest;
    fprintf(out, "    %.*s)\n        words=\"", (int)len, command->name);
    if (blank != NULL)
        put_second_words(out, command->name, len);
    if (strcmp(command->name, "help") == 0) {
        fputc(' ', out);
        put_first_words(out);
    }
    put_options(out, command);
    fprintf(out, "\"\n        files=%d\n        ;;\n", files);
}

/* Options that take the next word, as a pattern of case. */
static void put_takers(FILE *out)
{
    const char *separator = "";
    for (unsigned i = 0; i < CTL_OPTION_COUNT; i++) {
        const struct ctl_option *o = &ctl_options[i];
        if (o->argument[0] == '\0' || o->argument[0] == '[')
            continue;
        if (o->letter != '\0')
            fprintf(out, "%s-%c", separator, o->letter);
        fprintf(out, "%s--%s", o->letter != '\0' ? "|" : separator, o->name);
        separator = "|";
    }
}

/* Values of options that are words or files; others are left to the user. */
static void put_values(FILE *out)
{
    fputs("    case \"$prev\" in\n", out);
    fputs("    --sort) COMPREPLY=($(compgen -W \"duration time\" -- \"$cur\")); return ;;\n"
          "    --completion) COMPREPLY=($(compgen -W \"bash\" -- \"$cur\")); return ;;\n"
          "    --rules) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
          "    --dir) COMPREPLY=($(compgen -d -- \"$cur\")); return ;;\n"
          "    ",
          out);
    put_takers(out);
    fputs(") return ;;\n    esac\n", out);
}

void ctl_completion_bash(FILE *out)
{
    fputs("# bash completion for " CTL_NAME "; made by \"" CTL_NAME " help --completion bash\"\n"
          "_perfspy_ctl()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command=\"\" words=\"\" files=0 i\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case \"${COMP_WORDS[i]}\" in\n"
          "        ",
          out);
    put_takers(out);
    fputs(") ((i++)) ;;\n"
          "        -*) ;;\n"
          "        *) command=${COMP_WORDS[i]}; break ;;\n"
          "        esac\n    done\n",
          out);
    put_values(out);
    fputs("    case \"$command\" in\n    \"\")\n        words=\"", out);
    put_first_words(out);
    put_options(
        out, &(struct ctl_command){.options = CTL_BIT(PROCESS) | CTL_BIT(JSON) | CTL_BIT(VERSION)});
    fputs("\"\n        ;;\n", out);
    const char *last = "";
    for (size_t i = 0; i < ctl_command_count; i++) {
        size_t len = strcspn(ctl_commands[i]->name, " ");
        bool repeated = strncmp(last, ctl_commands[i]->name, len) == 0 && last[len] == ' ';
        if (!repeated)
            put_case(out, ctl_commands[i]);
        last = ctl_commands[i]->name;
    }
    fputs("    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
          "    if ((files)); then\n"
          "        COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _perfspy_ctl " CTL_NAME "\n",
          out);
}
