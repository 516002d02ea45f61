/* SPDX-License-Identifier: MIT */
/*
 * Yama, by which many systems let a user's processes trace only their own descendants. Source: the
 * kernel's Documentation/admin-guide/LSM/Yama.rst.
 */
#ifndef CTL_YAMA_H
#define CTL_YAMA_H

/* kernel.yama.ptrace_scope; 0 where there is no Yama. */
int ctl_yama_scope(void);

/* To whom SCOPE leaves tracing, and what is right then: ends "which leaves that to". NULL: it is
 * not in the way. */
const char *ctl_yama_leaves(int scope);

#endif
