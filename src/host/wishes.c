/* Reading and writing /etc/penstock/host.conf. */
#include "host/wishes.h"

#include "agent/world.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/config.h"
#include "config/items.h"

#include <string.h>

/* On a command line it is p5p1=5 or p5p1=5,drivers. */
static char *with_colons(const char *text)
{
	char *copy = memory_copy_text(text);

	for (char *c = copy; (c = strpbrk(c, "=,"));)
		*c = ':';
	return copy;
}

bool wishes_add_vfs(struct wishes *wishes, const char *text, struct error *err)
{
	_cleanup_free_ char *colons = with_colons(text);
	struct wish_vfs wish = {0}, *place = NULL;

	if (!item_host_vfs(colons, wish.netdev, &wish.count, &wish.drivers))
		return error_set(err, ERROR_BAD_REQUEST,
				 "'%.100s' is no count of VFs: expected p5p1=5, or p5p1=5,drivers", text);
	for (size_t i = 0; i < wishes->vfs_count; i++) {
		if (strcmp(wishes->vfs[i].netdev, wish.netdev) == 0)
			place = &wishes->vfs[i];
	}
	if (!place)
		place = ARRAY_ADD(wishes->vfs, wishes->vfs_count);
	*place = wish;
	return true;
}

bool wishes_add_pages(struct wishes *wishes, const char *text, struct error *err)
{
	_cleanup_free_ char *colons = with_colons(text);
	struct wish_pages wish = {0};
	size_t i = 0;

	if (!item_host_pages(colons, wish.size, &wish.size_kb, &wish.count))
		return error_set(err, ERROR_BAD_REQUEST,
				 "'%.100s' is no number of huge pages: expected 2M=1024 or 1G=16", text);
	while (i < wishes->pages_count && wishes->pages[i].size_kb != wish.size_kb)
		i++;
	if (i == WISHES_PAGES)
		return error_set(err, ERROR_BAD_REQUEST, "more than %d sizes of huge pages", WISHES_PAGES);
	if (i == wishes->pages_count)
		wishes->pages_count++;
	wishes->pages[i] = wish;
	return true;
}

static bool lists_read(const struct config *config, struct wishes *wishes, struct error *err)
{
	char item[128];

	for (size_t i = 0; config_list_item(config, "host", "vfs", i, item, sizeof item); i++) {
		if (!wishes_add_vfs(wishes, item, err))
			return config_refuse_item(config, "host", "vfs", item, NULL, err);
	}
	for (size_t i = 0; config_list_item(config, "host", "hugepages", i, item, sizeof item); i++) {
		if (!wishes_add_pages(wishes, item, err))
			return config_refuse_item(config, "host", "hugepages", item, NULL, err);
	}
	return true;
}

bool wishes_read(struct wishes *wishes, struct error *err)
{
	_cleanup_free_ char *text = world->read(WISHES_FILE);
	struct config *config = config_new();
	bool ok = !text ||
		  (config_read_text(config, WISHES_FILE, text, err) && lists_read(config, wishes, err));

	config_free(config);
	return ok;
}

void wishes_done(struct wishes *wishes)
{
	free(wishes->vfs);
	*wishes = (struct wishes){0};
}

const struct wish_vfs *wishes_find(const struct wishes *wishes, const char *netdev)
{
	for (size_t i = 0; i < wishes->vfs_count; i++) {
		if (strcmp(wishes->vfs[i].netdev, netdev) == 0)
			return &wishes->vfs[i];
	}
	return NULL;
}

char *wishes_text(const struct wishes *wishes)
{
	struct text text = {0};

	text_add(&text, "# Written by `penstock host setup`.  `penstock host apply` makes it so at every "
			"boot, before\n"
			"# penstock-agent starts; `penstock host check` compares.\n[host]\n");
	for (size_t i = 0; i < wishes->vfs_count; i++) {
		const struct wish_vfs *vfs = &wishes->vfs[i];

		text_addf(&text, "%s%s:%d%s", i ? ", " : "vfs = ", vfs->netdev, vfs->count,
			  vfs->drivers ? ":drivers" : "");
	}
	text_add(&text, wishes->vfs_count ? "\n" : "");
	for (size_t i = 0; i < wishes->pages_count; i++)
		text_addf(&text, "%s%s:%lld", i ? ", " : "hugepages = ", wishes->pages[i].size,
			  (long long)wishes->pages[i].count);
	text_add(&text, wishes->pages_count ? "\n" : "");
	return text_take(&text);
}
