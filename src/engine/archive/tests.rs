//! Archives of every shape, made by hand.

use super::*;

const PIECE: usize = 64 * 1024;

/// A layer's tar with one file of so many bytes.
fn layer(fill: u8, size: usize) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(size as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "file", vec![fill; size].as_slice()).unwrap();
    tar.into_inner().unwrap()
}

fn archive(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    for (name, target) in links {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, name, target).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Name, proven digest and content of a layer.
type Handed = (String, Option<Digest>, Vec<u8>);

/// What a reader gets: the archive, and each layer that was handed on with its whole content.
fn read(bytes: &[u8], diff_ids: &[Digest]) -> (Result<Archive, ArchiveError>, Vec<Handed>) {
    let wanted: HashSet<Digest> = diff_ids.iter().cloned().collect();
    read_wanted(bytes, diff_ids, &wanted)
}

fn read_wanted(
    bytes: &[u8],
    diff_ids: &[Digest],
    wanted: &HashSet<Digest>,
) -> (Result<Archive, ArchiveError>, Vec<Handed>) {
    let (sender, mut found) = mpsc::channel::<FoundLayer>(1);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| Archive::read(bytes, diff_ids, wanted, PIECE, sender));
        let mut layers = Vec::new();
        while let Some(mut layer) = found.blocking_recv() {
            let mut content = Vec::new();
            while let Some(piece) = layer.pieces.blocking_recv() {
                assert!(piece.len() <= PIECE);
                content.extend_from_slice(&piece);
            }
            let whole = layer.whole.blocking_recv().ok();
            assert!(whole.is_none_or(|digest| digest == Hasher::digest(&content)));
            layers.push((layer.name, layer.diff_id, content));
        }
        (reading.join().unwrap(), layers)
    })
}

#[test]
fn layers_are_handed_on_and_small_ones_kept() {
    let (large, small) = (layer(1, 400_000), layer(2, 10));
    let diff_ids = [Hasher::digest(&large), Hasher::digest(&small)];
    let manifest = br#"[{"Config":"c.json","RepoTags":null,"Layers":["a/layer.tar","b/layer.tar","d/layer.tar"]}]"#;
    let files: [(&str, &[u8]); 4] =
        [("a/layer.tar", &large), ("b/layer.tar", &small), ("c.json", b"{}"), ("manifest.json", manifest)];
    let (archive, layers) = read(&archive(&files, &[("d/layer.tar", "../a/layer.tar")]), &diff_ids);
    let archive = archive.unwrap();
    assert_eq!(archive.config, "{}");
    let first = LayerSource::Streamed("a/layer.tar".into());
    assert_eq!(archive.layers, [first.clone(), LayerSource::Kept(small.into(), Packing::Plain), first]);
    assert_eq!(layers, [("a/layer.tar".to_owned(), None, large)]);
}

#[test]
fn the_newer_shape_names_its_layers_and_what_is_not_wanted_is_passed_over() {
    let (one, two) = (layer(1, 400_000), layer(2, 500_000));
    let diff_ids = [Hasher::digest(&one), Hasher::digest(&two)];
    let names = diff_ids.clone().map(|diff_id| format!("blobs/sha256/{}", diff_id.hex()));
    let manifest = format!(r#"[{{"Config":"blobs/sha256/cc","Layers":["{}","{}"]}}]"#, names[0], names[1]);
    let files: [(&str, &[u8]); 6] = [
        ("blobs/sha256/cc", b"{}"),
        (&names[0], &one),
        (&names[1], &two),
        ("index.json", b"{}"),
        ("manifest.json", manifest.as_bytes()),
        ("oci-layout", b"{}"),
    ];
    let wanted = HashSet::from([diff_ids[1].clone()]);
    let (archive, layers) = read_wanted(&archive(&files, &[]), &diff_ids, &wanted);
    assert_eq!(archive.unwrap().layers, names.clone().map(LayerSource::Streamed));
    assert_eq!(layers, [(names[1].clone(), Some(diff_ids[1].clone()), two)]);
}

#[test]
fn a_compressed_layer_stays_compressed() {
    let mut compressed = vec![7; 300_000];
    compressed[..2].copy_from_slice(&[0x1f, 0x8b]);
    let name = format!("blobs/sha256/{}", Hasher::digest(&compressed).hex());
    let manifest = format!(r#"[{{"Config":"c.json","Layers":["{name}"]}}]"#);
    let files: [(&str, &[u8]); 3] = [(&name, &compressed), ("c.json", b"{}"), ("manifest.json", manifest.as_bytes())];
    let (archive, layers) = read(&archive(&files, &[]), &[Hasher::digest(b"plain")]);
    assert_eq!(archive.unwrap().layers, [LayerSource::Streamed(name.clone())]);
    assert_eq!(layers, [(name, None, compressed)]);
}

#[test]
fn what_cannot_be_read_is_said() {
    let large = layer(1, 400_000);
    let other = format!("blobs/sha256/{}", Hasher::digest(b"another content").hex());
    let diff_ids = [Hasher::digest(b"another content")];
    let bytes = archive(&[(&other, &large)], &[]);
    assert!(matches!(read(&bytes, &diff_ids).0, Err(ArchiveError::Damaged(name)) if name == other));
    let cut = archive(&[("a/layer.tar", &large)], &[]);
    assert!(matches!(read(&cut[..200_000], &diff_ids).0, Err(ArchiveError::Broken(_))));
    for files in [
        vec![("a/layer.tar", large.as_slice())],
        vec![("manifest.json", b"[]".as_slice())],
        vec![("manifest.json", br#"[{"Config":"none","Layers":[]}]"#.as_slice())],
        vec![("blob", [b'{'; 300_000].as_slice())],
    ] {
        let outcome = read(&archive(&files, &[]), &diff_ids).0;
        assert!(matches!(outcome, Err(ArchiveError::Unsupported(_))), "{outcome:?}");
    }
}
