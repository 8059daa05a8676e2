/*
 * The boot sector: reads the program that follows it on the disk, switches to 32-bit protected mode and jumps
 * there.  BIOS drive number in %dl; disk reads by the extensions to int 13h (AH=42h), 32 sectors at a time, since
 * some BIOSes take no more than 127 and a read must not cross a segment.
 */
	.set	CHUNK, 32
	.code16
	.section .boot, "ax"
	.globl	boot
boot:
	ljmp	$0, $1f
1:	cli
	cld
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$boot, %sp
	sti
	movw	$program_sectors, %cx
read:
	movw	$CHUNK, packet_count
	movb	$0x42, %ah
	movw	$packet, %si
	pushw	%cx
	pushw	%dx
	int	$0x13
	popw	%dx
	popw	%cx
	jc	failed
	addl	$CHUNK, packet_lba
	addw	$(CHUNK * 512 / 16), packet_segment
	subw	$CHUNK, %cx
	jg	read

	cli
	inb	$0x92, %al
	orb	$2, %al			/* address line 20 */
	andb	$0xfe, %al
	outb	%al, $0x92
	lgdtl	table
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $start

failed:
	movw	$0x3f8, %dx
	movw	$complaint, %si
1:	lodsb
	testb	%al, %al
	jz	2f
	outb	%al, %dx
	jmp	1b
2:	cli
	hlt
	jmp	2b

complaint:
	.asciz	"PROBE cannot read its disk\r\n"
	.balign	8
descriptors:
	.quad	0, 0x00cf9a000000ffff, 0x00cf92000000ffff
table:
	.word	table - descriptors - 1
	.long	descriptors
	.balign	4
packet:
	.byte	16, 0
packet_count:
	.word	0
	.word	0
packet_segment:
	.word	program_segment
packet_lba:
	.quad	1

	.org	510
	.word	0xaa55
	.section .note.GNU-stack, "", @progbits
