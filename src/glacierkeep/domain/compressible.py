"""What is worth compressing: judged by a file's name before it is read, and by numbers afterwards."""

from glacierkeep.domain import names
from glacierkeep.domain.limits import KIB

LEAST_SAVED = 64 * KIB
"""Bytes that compressing an archive must save."""

LEAST_SHARE = 10
"""Per cent of an archive that compressing it must save."""

_ARCHIVES = (
    "7z ace alz arc arj br bz bz2 cab egg gz lha lrz lz lz4 lzh lzma lzo rar rz sz tbz tbz2 tgz tlz txz tzst xz z zip "
    "zipx zoo zpaq zst zstd"
)
_PACKAGES = (
    "aab apk appimage appx conda crate crx deb ear flatpak gem ipa jar msix nupkg rpm snap vsix war whl xpi"
)
_IMAGES_OF_DISKS = "cso dmg esd rvz squashfs swm wbfs wim"
_DOCUMENTS = (
    "3mf azw azw3 cb7 cbr cbz docm docx dotm dotx epub fcstd kmz kra mobi mscz mxl numbers odb odf odg odp ods odt ora "
    "otg otp ots ott oxps pages potm potx ppsm ppsx pptm pptx sketch usdz vsdx xlam xlsb xlsm xlsx xltx xmind xps"
)
_PICTURES = (
    "arw avif cr2 cr3 crw djv djvu emz gif heic heics heif hif j2k jfif jng jp2 jpe jpeg jpf jpg jpm jpx jxl jxr mng "
    "mpo nef nrw orf pef png rw2 srw svgz wdp webp wmz"
)
_SOUND = (
    "aa aac aax ac3 adts alac amr ape eac3 flac gsm m4a m4b m4p m4r mka mp2 mp3 mpc mpga oga ogg opus ra shn spx tak "
    "tta wma wv"
)
_FILMS = (
    "3g2 3gp 3gpp asf avi divx dv evo f4v flv h264 h265 hevc insv ivf lrv m1v m2p m2ts m2v m4v mjpeg mjpg mk3d mkv mov "
    "mp4 mp4v mpe mpeg mpg mxf ogm ogv qt rm rmvb vob webm wmv wtv"
)
_ENCRYPTED = "aes age axx cpt gpg hc kdbx pgp"
_OTHERS = "avro npz orc parquet pbf rda rdata rds swf woff woff2"

_COMPRESSED = frozenset(
    word.encode("ascii")
    for words in (
        _ARCHIVES,
        _PACKAGES,
        _IMAGES_OF_DISKS,
        _DOCUMENTS,
        _PICTURES,
        _SOUND,
        _FILMS,
        _ENCRYPTED,
        _OTHERS,
    )
    for word in words.split()
)


def is_compressed_already(name: bytes) -> bool:
    """Whether the extension of *name*, a file's name or path, means what zstd cannot make smaller, in either case.

    Only extensions that mean one thing are known here: `.ts` and `.mts` are films and programs, and a `.pdf`, `.dng`
    or `.iso` can be either. Those are left to a probe of the content.
    """
    stem, _, extension = names.name_of(name).rpartition(b".")
    return bool(stem) and extension.lower() in _COMPRESSED


def is_worth_it(plain: int, compressed: int) -> bool:
    """Whether storing *compressed* bytes for *plain* ones saves enough: a tenth, and 64 KiB in all.

    What is compressed needs one more program in thirty years, is retrieved by whole frames instead of by the byte,
    and one bad bit in it costs a frame. Less than a tenth of the price of storage is no reason for that. Nor is a
    small archive: the service bills 32 KiB beside each one, and 64 KiB a thousand times over cost less than a cent.
    """
    saved = plain - compressed
    return saved >= LEAST_SAVED and saved * 100 >= plain * LEAST_SHARE
