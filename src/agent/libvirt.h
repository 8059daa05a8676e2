/* All of libvirt, for world_real; see world.h for what the functions do. */
#pragma once

#include "agent/world.h"

/* Before any of the others: where libvirt is.  Connects when first needed, and again after libvirtd was
 * restarted. */
void libvirt_configure(const char *uri);

bool libvirt_hypervisor(struct world_hypervisor *facts, struct error *err);
bool libvirt_domain_start(const char *xml, struct error *err);
bool libvirt_domain_xml(const char *id, char **xml, struct error *err);
bool libvirt_domain_plug(const char *id, const char *device_xml, struct error *err);
bool libvirt_domain_unplug(const char *id, const char *alias, struct error *err);
bool libvirt_domain_pause(const char *id, bool paused, struct error *err);
bool libvirt_domain_save(const char *id, const char *path, struct error *err);
bool libvirt_domain_restore(const char *path, struct error *err);
bool libvirt_domain_change(const char *id, const char *device_xml, struct error *err);
bool libvirt_domain_forget(const char *id, struct error *err);
bool libvirt_domain_stop(const char *id, struct error *err);
bool libvirt_domain_state(const char *id, enum world_guest *state, struct error *err);
bool libvirt_domain_migratable_xml(const char *id, char **xml, struct error *err);
bool libvirt_domain_migrate(const char *id, const struct world_migration *how, struct error *err);
bool libvirt_domain_migrate_abort(const char *id, struct error *err);
bool libvirt_domain_running(const char *id, bool *running, struct error *err);
bool libvirt_domain_list(bool only_ours, struct map *ids, struct error *err);
bool libvirt_network_xml(const char *id, char **xml, struct error *err);
bool libvirt_network_make(const char *xml, struct error *err);
bool libvirt_network_lease(const char *id, bool add, const char *host_xml, struct error *err);
bool libvirt_network_remove(const char *id, struct error *err);
