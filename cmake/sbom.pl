#!/usr/bin/env perl
# Writes what is in the action image as an SPDX 2.3 document: our programs, every library linked into them with
# version, source and licence, and the certificates. Read from the finished build: the link lines, the unpacked Debian
# sources, the packages of the toolchain. A library without a row in %libraries ends it with an error, so none can be
# left out.
# usage: sbom.pl TREE SOURCES OUT ARCH      runs in the Dockerfile's sbom stage; ARCH: amd64 | arm64
# SOURCE_DATE_EPOCH, when set, is the time of creation.
use strict;
use warnings;
use Digest::SHA;
use File::Basename qw(basename);
use JSON::PP;
use POSIX qw(strftime);

my ($tree, $sources, $out, $arch) = @ARGV;
die "usage: sbom.pl TREE SOURCES OUT ARCH\n" unless defined $arch;
my %triples = (amd64 => 'x86_64-linux-musl', arm64 => 'aarch64-linux-musl');
my $triple = $triples{$arch} // die "sbom.pl: unknown architecture '$arch'; known: amd64, arm64\n";

# What is linked, by file -> the source package it is built from.
my %libraries = (
    'libssl.a' => 'openssl', 'libcrypto.a' => 'openssl', 'libcurl.a' => 'curl', 'libcjson.a' => 'cjson',
    'libxml2.a' => 'libxml2', 'libarchive.a' => 'libarchive', 'libssh2.a' => 'libssh2', 'libz.a' => 'zlib',
);
# Source package -> name, licence (SPDX), home, vendor and product as vulnerability lists name them.
my %facts = (
    openssl => ['OpenSSL', 'Apache-2.0', 'https://openssl-library.org/', 'openssl:openssl'],
    curl => ['libcurl', 'curl', 'https://curl.se/', 'haxx:libcurl'],
    cjson => ['cJSON', 'MIT', 'https://github.com/DaveGamble/cJSON', 'davegamble:cjson'],
    libarchive => ['libarchive', 'BSD-2-Clause', 'https://www.libarchive.org/', 'libarchive:libarchive'],
    libssh2 => ['libssh2', 'BSD-3-Clause', 'https://libssh2.org/', 'libssh2:libssh2'],
    libxml2 => ['libxml2', 'MIT', 'https://gitlab.gnome.org/GNOME/libxml2', 'xmlsoft:libxml2'],
    zlib => ['zlib', 'Zlib', 'https://zlib.net/', 'zlib:zlib'],
    musl => ['musl', 'MIT', 'https://musl.libc.org/', 'musl-libc:musl'],
    'gcc' => ['libgcc', 'GPL-3.0-or-later WITH GCC-exception-3.1', 'https://gcc.gnu.org/', 'gnu:gcc'],
    'ca-certificates' => ['ca-certificates', 'MPL-2.0', 'https://wiki.mozilla.org/CA', undef],
);

sub slurp {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "sbom.pl: $path: $!\n";
    local $/ = undef;
    return scalar <$in>;
}

sub told_by {
    my @command = @_;
    open my $in, '-|', @command or die "sbom.pl: $command[0]: $!\n";
    my $said = do { local $/ = undef; <$in> };
    close $in or die "sbom.pl: @command failed\n";
    chomp $said;
    return $said;
}

# The static libraries on the link line of a program, as files of the sysroot.
sub linked_into {
    my ($preset, $program) = @_;
    my $ninja = slurp("$tree/build/$preset/build.ninja");
    my ($line) = $ninja =~ /^build $program: C_EXECUTABLE_LINKER.*?^  LINK_LIBRARIES = (.*?)$/ms
        or die "sbom.pl: no link line of $program in $preset\n";
    my @files = grep { m{^/} } split ' ', $line;
    return sort { $a cmp $b } @files;
}

# version, as Debian counts it, of an unpacked source package
sub source_version {
    my ($package) = @_;
    my ($version) = slurp("$sources/$package/debian/changelog") =~ /^\S+ \(([^)]+)\)/
        or die "sbom.pl: no version in the changelog of $package\n";
    return $version;
}

# The installed package a file of the toolchain belongs to: source package, that one's version, its own version.
sub installed {
    my ($file) = @_;
    my ($package) = told_by('dpkg', '-S', $file) =~ /^([^:]+(?::\w+)?): /
        or die "sbom.pl: no package owns $file\n";
    return split ' ', told_by('dpkg-query', '-W', '-f', '${source:Package} ${source:Version} ${Version}', $package);
}

# 1:1.3.dfsg+really1.3.1-1 -> 1.3.1
sub upstream {
    my ($version) = @_;
    $version =~ s/^\d+://;
    $version =~ s/-[^-]*$//;
    $version =~ s/^.*\+really//;
    $version =~ s/[+.~](?:dfsg|ds|deb)\S*$//;
    return $version;
}

sub id_of {
    my ($kind, $name) = @_;
    $name =~ s/[^A-Za-z0-9.]+/-/g;
    return "SPDXRef-$kind-$name";
}

# package_of FACTS SOURCE VERSION [OWN]: an element for one Debian source package; OWN: the version of what it made,
# when that is counted apart
sub package_of {
    my ($row, $source, $version, $own) = @_;
    $own //= $version;
    my ($name, $licence, $home, $cpe) = @{ $facts{$row} // die "sbom.pl: nothing is known of $row\n" };
    (my $coded = $version) =~ s/([+:])/sprintf '%%%02X', ord $1/ge;
    my $purl = "pkg:deb/debian/$source\@$coded?arch=source&distro=debian-13";
    my @refs = ({ referenceCategory => 'PACKAGE-MANAGER', referenceType => 'purl', referenceLocator => $purl });
    push @refs, {
        referenceCategory => 'SECURITY', referenceType => 'cpe23Type',
        referenceLocator => "cpe:2.3:a:$cpe:" . upstream($own) . ':*:*:*:*:*:*:*',
    } if defined $cpe;
    return {
        SPDXID => id_of('Package', $source), name => $name, versionInfo => $own, supplier => 'Organization: Debian',
        downloadLocation => "https://sources.debian.org/src/$source/$version/", homepage => $home,
        filesAnalyzed => JSON::PP::false, licenseConcluded => 'NOASSERTION', licenseDeclared => $licence,
        copyrightText => 'NOASSERTION', externalRefs => \@refs,
        sourceInfo => "Debian source package $source $version, with Debian's patches",
    };
}

# file_of PATH: an element for one file of the image
sub file_of {
    my ($path, $licence) = @_;
    my $whole = "$out/$path";
    return {
        SPDXID => id_of('File', $path), fileName => "./$path", licenseConcluded => $licence,
        copyrightText => 'NOASSERTION',
        checksums => [map {
            { algorithm => "SHA$_", checksumValue => Digest::SHA->new($_)->addfile($whole)->hexdigest }
        } 1, 256],
    };
}

sub relation {
    my ($from, $type, $to) = @_;
    return { spdxElementId => $from, relationshipType => $type, relatedSpdxElement => $to };
}

# program in the image -> preset that built it, its name there
my %programs = (
    'bin/bluegreen' => [$arch eq 'amd64' ? 'release' : 'release-aarch64', 'bluegreen', $triple],
    'usr/lib/bluegreen/bluegreen-agent-x86_64' => ['release', 'bluegreen-agent', 'x86_64-linux-musl'],
    'usr/lib/bluegreen/bluegreen-agent-aarch64' => ['release-aarch64', 'bluegreen-agent', 'aarch64-linux-musl'],
);
my $certificates = 'etc/ssl/certs/ca-certificates.crt';

my (%packages, @files, @relations);
for my $path (sort keys %programs) {
    my ($preset, $program, $machine) = @{ $programs{$path} };
    my $file = file_of($path, 'MIT');
    push @files, $file;
    my %used;
    for my $library (linked_into($preset, $program)) {
        my $source = $libraries{ basename $library } // die "sbom.pl: $library is linked, but not in the table\n";
        $used{$source} //= package_of($source, $source, source_version($source));
    }
    # musl's wrapper around gcc names its own C library first; gcc itself would tell of glibc's.
    $used{musl} = package_of('musl', installed("/usr/lib/$machine/libc.a"));
    $used{gcc} = package_of('gcc', installed(told_by("$machine-gcc", '-print-libgcc-file-name')));
    for my $element (map { $used{$_} } sort keys %used) {
        $packages{ $element->{SPDXID} } //= $element;
        push @relations, relation($file->{SPDXID}, 'STATIC_LINK', $element->{SPDXID});
    }
}
my $bundle = file_of($certificates, 'MPL-2.0');
my $authority = package_of('ca-certificates', split ' ',
    told_by('dpkg-query', '-W', '-f', '${source:Package} ${source:Version}', 'ca-certificates'));
$packages{ $authority->{SPDXID} } = $authority;
push @files, $bundle;
push @relations, relation($bundle->{SPDXID}, 'GENERATED_FROM', $authority->{SPDXID});

my ($version) = slurp("$tree/CMakeLists.txt") =~ /project\(bluegreen VERSION ([\d.]+)/
    or die "sbom.pl: no version in CMakeLists.txt\n";
my @sums = sort map { $_->{checksums}[0]{checksumValue} } @files;
my $image = {
    SPDXID => 'SPDXRef-Package-bluegreen-action', name => 'bluegreen-action', versionInfo => $version,
    primaryPackagePurpose => 'CONTAINER', supplier => 'NOASSERTION', downloadLocation => 'NOASSERTION',
    filesAnalyzed => JSON::PP::true,
    packageVerificationCode => { packageVerificationCodeValue => Digest::SHA::sha1_hex(join '', @sums) },
    licenseConcluded => 'NOASSERTION', licenseDeclared => 'MIT', copyrightText => 'The bluegreen-action authors',
};
unshift @relations, relation('SPDXRef-DOCUMENT', 'DESCRIBES', $image->{SPDXID}),
    map { relation($image->{SPDXID}, 'CONTAINS', $_->{SPDXID}) } @files;

my $json = JSON::PP->new->canonical->pretty->ascii;
my $document = {
    spdxVersion => 'SPDX-2.3', dataLicense => 'CC0-1.0', SPDXID => 'SPDXRef-DOCUMENT',
    name => "bluegreen-action-$version-linux-$arch",
    packages => [$image, map { $packages{$_} } sort keys %packages], files => \@files, relationships => \@relations,
};
# The name of a document is to be its own: it holds the hash of what the document says.
my $hash = substr Digest::SHA::sha256_hex($json->encode($document)), 0, 32;
$document->{documentNamespace} = "https://spdx.org/spdxdocs/$document->{name}-$hash";
$document->{creationInfo} = {
    created => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($ENV{SOURCE_DATE_EPOCH} || time)),
    creators => ["Tool: bluegreen-action-sbom-$version", 'Organization: The bluegreen-action authors'],
};
print $json->encode($document);
