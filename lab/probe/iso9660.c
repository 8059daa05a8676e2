/*
 * ISO 9660 (ECMA-119) as far as a config drive needs it.  The Joliet tree is walked: its names are plain
 * UCS-2 (big-endian), while the primary tree's are shortened and the Rock Ridge ones are spread over
 * extension records.
 */
#include "iso9660.h"

#include "ahci.h"
#include "machine.h"

enum {
	FIRST_DESCRIPTOR = 16,
	MAX_DESCRIPTORS = 32,
	SUPPLEMENTARY = 2,
	LAST_DESCRIPTOR = 255,
	/* in a volume descriptor */
	VOLUME_NAME = 40,
	VOLUME_NAME_SIZE = 32,
	ESCAPE_SEQUENCE = 88,
	ROOT_RECORD = 156,
	/* in a directory record */
	EXTENT = 2,
	EXTENT_SIZE = 10,
	FLAGS = 25,
	NAME_LENGTH = 32,
	NAME = 33,
	IS_FOLDER = 2,
};

static uint8_t sector[AHCI_SECTOR];

static uint32_t little32(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Is the UCS-2 name of `size` bytes this text?  Blanks behind a volume's name and ";1" behind a file's do not
 * count. */
static bool same_name(const uint8_t *name, size_t size, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (2 * i + 1 >= size || name[2 * i] != 0 || lower((char)name[2 * i + 1]) != lower(text[i]))
			return false;
	if (2 * i + 1 >= size)
		return true;
	return name[2 * i] == 0 &&
	       (name[2 * i + 1] == ' ' || name[2 * i + 1] == ';' || name[2 * i + 1] == '\0');
}

static bool is_joliet(const uint8_t *descriptor)
{
	const uint8_t *escape = descriptor + ESCAPE_SEQUENCE;

	return descriptor[0] == SUPPLEMENTARY && escape[0] == '%' && escape[1] == '/' &&
	       (escape[2] == '@' || escape[2] == 'C' || escape[2] == 'E');
}

bool iso9660_open(struct iso9660 *volume, unsigned cdrom, const char *name)
{
	for (uint32_t i = 0; i < MAX_DESCRIPTORS; i++) {
		if (!ahci_read(cdrom, FIRST_DESCRIPTOR + i, sector) || memcmp(sector + 1, "CD001", 5) != 0 ||
		    sector[0] == LAST_DESCRIPTOR)
			return false;
		if (is_joliet(sector) &&
		    same_name(sector + VOLUME_NAME, VOLUME_NAME_SIZE, name, strlen(name))) {
			volume->cdrom = cdrom;
			volume->root = little32(sector + ROOT_RECORD + EXTENT);
			volume->root_size = little32(sector + ROOT_RECORD + EXTENT_SIZE);
			return true;
		}
	}
	return false;
}

/* A folder's record for `name`, valid until the next sector is read; NULL if there is none.  A record does
 * not cross sectors; a zero length says that the sector has no more. */
static const uint8_t *find_record(unsigned cdrom, uint32_t first, uint32_t size, const char *name,
				  size_t length)
{
	for (uint32_t done = 0; done < size; done += AHCI_SECTOR) {
		if (!ahci_read(cdrom, first + done / AHCI_SECTOR, sector))
			return NULL;
		for (uint32_t at = 0; at + NAME < AHCI_SECTOR && sector[at] > NAME; at += sector[at]) {
			const uint8_t *record = sector + at;

			if (at + record[0] <= AHCI_SECTOR && NAME + record[NAME_LENGTH] <= record[0] &&
			    same_name(record + NAME, record[NAME_LENGTH], name, length))
				return record;
		}
	}
	return NULL;
}

static bool find(const struct iso9660 *volume, const char *path, uint32_t *ret_first, uint32_t *ret_size)
{
	uint32_t first = volume->root, size = volume->root_size;

	while (*path) {
		size_t length = 0;
		const uint8_t *record;

		while (path[length] && path[length] != '/')
			length++;
		record = find_record(volume->cdrom, first, size, path, length);
		path += length + (path[length] == '/');
		if (!record || !!(record[FLAGS] & IS_FOLDER) != (*path != '\0'))
			return false;
		first = little32(record + EXTENT);
		size = little32(record + EXTENT_SIZE);
	}
	*ret_first = first;
	*ret_size = size;
	return true;
}

bool iso9660_read(const struct iso9660 *volume, const char *path, char *buffer, size_t size,
		  size_t *ret_length)
{
	uint32_t first = 0, length = 0;

	if (!find(volume, path, &first, &length) || length >= size)
		return false;
	for (uint32_t done = 0; done < length; done += AHCI_SECTOR) {
		uint32_t part = length - done < AHCI_SECTOR ? length - done : AHCI_SECTOR;

		if (!ahci_read(volume->cdrom, first + done / AHCI_SECTOR, sector))
			return false;
		memcpy(buffer + done, sector, part);
	}
	buffer[length] = '\0';
	*ret_length = length;
	return true;
}
