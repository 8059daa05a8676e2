/* What `penstock host setup` plans, subject by subject; each has a file of its own. */
#pragma once

#include "host/cmdline.h"
#include "host/machine.h"
#include "host/plan.h"

/* What the kernel's command line lacks on this machine, as facts say it. */
void kernel_change(const struct machine *machine, struct cmdline_change *change);
/* Plans the files that make the command line. */
bool kernel_plan(const struct cmdline_change *change, struct plan *plan, struct error *err);
/* Does what the boot loader reads now have it?  Reads the files again. */
bool kernel_verify(const struct cmdline_change *change, struct error *err);

/* grub.c: /etc/default/grub, and what makes grub.cfg of it. */
bool grub_plan(const struct cmdline_change *change, bool entries, struct plan *plan, struct error *err);
bool grub_verify(const struct cmdline_change *change, struct error *err);
/* Changes the value of NAME="..." in a shell file's text; NULL if it has none that we understand. */
char *grub_change(const char *text, const char *name, const char *elsewhere,
		  const struct cmdline_change *change, bool add);

/* bls.c: entries of the Boot Loader Specification (RHEL 8 and later, systemd-boot). */
bool bls_is_used(void);
void bls_plan(const struct cmdline_change *change, struct plan *plan);
bool bls_verify(const struct cmdline_change *change, struct error *err);

/* modules.c: what the kernel loads at boot, and does not load. */
void modules_plan(const struct machine *machine, struct plan *plan);
bool modules_listed(const char *module);
/* Is it loaded, or part of the kernel? */
bool modules_present(const char *module);
/* The driver of this PF driver's VFs if it is another one, or NULL. */
const char *modules_vf_driver(const char *pf_driver);

/* initramfs.c: made anew when it holds a file that changed. */
void initramfs_plan(struct plan *plan);

/* unit.c: the systemd unit that runs `penstock host apply` at boot. */
#define UNIT_NAME "penstock-host.service"
void unit_plan(const struct machine *machine, struct plan *plan);
/* Is there one that is switched on? */
bool unit_enabled(void);

/* names.c: network devices keep their names. */
void names_plan(const struct machine_nic *nic, int vfs, struct plan *plan);
/* Which file sees to it; false: none. */
bool names_are_stable(const struct machine_nic *nic, char *file, size_t size);

/* managers.c and a file for each: whoever owns the NIC is told of it.  `vfs`: how many VFs it may be told to
 * make, -1: leave that as it is. */
void manager_plan(const struct machine_nic *nic, int vfs, struct plan *plan);
/* Who else makes VFs of it at boot?  *count: how many; false: nobody does. */
bool manager_makes_vfs(const struct machine_nic *nic, int *count, char *file, size_t size);

bool networkd_has(const struct machine_nic *nic, char *file, size_t size);
/* Does [Match] in this text select the NIC? */
bool networkd_matches(const char *text, const struct machine_nic *nic);
/* The .link file of the operator that is the NIC's, with its place. */
bool networkd_link(const struct machine_nic *nic, char *file, size_t size);
/* A .network file that programs VFs: that is Penstock's to do.  (Neither does anybody else's matter.) */
bool networkd_programs_vfs(const struct machine_nic *nic, char *file, size_t size);

bool netplan_has(const struct machine_nic *nic, char *file, size_t size);
/* The id of the NIC's definition in a file's text. */
bool netplan_definition(const char *text, const struct machine_nic *nic, char id[64]);
void netplan_plan(const struct machine_nic *nic, int vfs, struct plan *plan);

bool networkmanager_enabled(void);
bool networkmanager_ignores(const struct machine_nic *nic, char *file, size_t size);
/* The profile that is the NIC's. */
bool networkmanager_profile(const struct machine_nic *nic, char *file, size_t size);
void networkmanager_plan(const struct machine_nic *nic, int vfs, struct plan *plan);

bool ifcfg_in_force(void);
bool ifcfg_has(const struct machine_nic *nic, char *file, size_t size);
/* Is its ifcfg file one that NetworkManager reads? */
bool ifcfg_is_networkmanagers(const struct machine_nic *nic);
void ifcfg_plan(const struct machine_nic *nic, struct plan *plan);
