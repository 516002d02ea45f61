/* SPDX-License-Identifier: MIT */
/*
 * Opening and writing reports; see output.h.
 */
#include "validate/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool open_one(struct val_files *files, size_t i, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    files->made[i] = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    files->file[i] = fdopen(fd, "w");
    if (files->file[i] == NULL)
        close(fd);
    return files->file[i] != NULL;
}

enum val_exit val_files_open(struct val_files *files, const struct val_settings *settings)
{
    *files = (struct val_files){0};
    for (size_t i = 0; i < settings->outputs; i++) {
        const char *path = settings->output[i].path;
        if (path == NULL) {
            files->file[i] = stdout;
        } else if (!open_one(files, i, path)) {
            val_say("%s: cannot be written: %s", path, strerror(errno));
            return VAL_WRITE;
        }
    }
    return VAL_OK;
}

/* A regular file loses what it held; a pipe or a terminal has nothing to lose. */
static bool empty(FILE *file)
{
    struct stat st;
    int fd = fileno(file);
    return fstat(fd, &st) == 0 && (!S_ISREG(st.st_mode) || file == stdout || ftruncate(fd, 0) == 0);
}

static void write_form(const struct val_report *report, FILE *file, enum val_format format)
{
    struct ctl_term term = ctl_term_of(file);
    switch (format) {
    case VAL_TEXT:
        val_report_text(report, file, &term);
        return;
    case VAL_JSON:
        val_report_json(report, file);
        return;
    case VAL_JUNIT:
        val_report_junit(report, file);
        return;
    }
}

static bool write_one(FILE *file, const struct val_report *report, enum val_format format)
{
    errno = 0;
    bool good = empty(file);
    if (good)
        write_form(report, file, format);
    good = good && fflush(file) == 0 && !ferror(file);
    int why = errno;
    if (file != stdout && fclose(file) != 0 && good) {
        why = errno;
        good = false;
    }
    errno = why;
    /* A reader that has seen enough (`| head`) is no error. */
    return good || (file == stdout && why == EPIPE);
}

enum val_exit val_files_write(struct val_files *files, const struct val_report *report)
{
    const struct val_settings *settings = report->settings;
    enum val_exit result = VAL_OK;
    for (size_t i = 0; i < settings->outputs; i++) {
        const char *path = settings->output[i].path;
        FILE *file = files->file[i];
        files->file[i] = NULL;
        files->made[i] = false;
        if (write_one(file, report, settings->output[i].format))
            continue;
        val_say("%s: cannot be written: %s", path != NULL ? path : "standard output",
                errno != 0 ? strerror(errno) : "write error");
        result = VAL_WRITE;
    }
    return result;
}

void val_files_close(struct val_files *files, const struct val_settings *settings)
{
    for (size_t i = 0; i < settings->outputs; i++) {
        if (files->file[i] != NULL && files->file[i] != stdout)
            fclose(files->file[i]);
        if (files->made[i])
            unlink(settings->output[i].path);
    }
}
